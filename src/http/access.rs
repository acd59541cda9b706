//! Which models a caller may ask for.

use http::StatusCode;

use crate::app::AppState;
use crate::keys::{Caller, VirtualKey};
use crate::wire::ApiError;

/// The group that a caller means by a model's name; without one, the configuration's default. A key's own aliases go
/// before the configuration's names. What follows an allowed model by configuration is allowed with it.
pub(super) fn group(
    app: &AppState,
    caller: &Caller,
    model: Option<&str>,
) -> Result<String, ApiError> {
    let Some(key) = &caller.virtual_key else {
        return Ok(app.routes.group(model)?.to_owned());
    };
    let meant = model.map(|model| key.alias_of(model));
    let group = app.routes.group(meant)?;
    if allows(app, key, model.unwrap_or(group), group) {
        return Ok(group.to_owned());
    }
    let error = ApiError::new(
        StatusCode::FORBIDDEN,
        "key_model_access_denied",
        format!(
            "key not allowed to access model. This key can only access models={:?}. Tried to access {}",
            key.settings.models,
            model.unwrap_or(group)
        ),
    );
    Err(ApiError {
        param: Some("model".to_owned()),
        ..error
    })
}

/// Whether a caller may ask for a model by this name.
pub(super) fn may_use(app: &AppState, caller: &Caller, name: &str) -> bool {
    group(app, caller, Some(name)).is_ok()
}

/// Whether a name of the configuration's is shown to a caller: also that of a pattern, which is no model.
pub(super) fn may_see(app: &AppState, caller: &Caller, name: &str) -> bool {
    let Some(key) = &caller.virtual_key else {
        return true;
    };
    let meant = key.alias_of(name);
    let group = app.config.resolve_name(meant).unwrap_or(meant);
    allows(app, key, name, group)
}

/// By the name itself, by what the key's own aliases make of it, or by its group.
fn allows(app: &AppState, key: &VirtualKey, name: &str, group: &str) -> bool {
    let names = [name, key.alias_of(name), group];
    let mut names = names.into_iter();
    names.any(|name| key.may_use(name, group, &app.config))
}
