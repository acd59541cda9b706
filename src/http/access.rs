//! Which models a caller may ask for.

use http::StatusCode;

use crate::app::AppState;
use crate::keys::Caller;
use crate::openai::ApiError;

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
    let names = [model, meant, Some(group)];
    let may = |name: &str| key.may_use(name, group, &app.config);
    if names.into_iter().flatten().any(may) {
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
