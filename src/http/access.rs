//! Which models a caller may ask for.

use http::StatusCode;
use jiff::Timestamp;

use crate::app::AppState;
use crate::chain::UnknownModel;
use crate::config::nearest_model;
use crate::keys::{Caller, VirtualKey};
use crate::store::time;
use crate::wire::ApiError;

/// What a caller means by a model's name.
#[derive(Debug)]
pub(super) struct ModelAsked {
    /// The name without marks behind it; the group's where none was given.
    pub(super) name: String,
    pub(super) group: String,
    /// The model is to have its window of a million tokens.
    pub(super) long_context: bool,
}

/// What a caller means by a model's name; without one, the configuration's default. A key's own aliases go before the
/// configuration's names. What follows an allowed model by configuration is allowed with it.
pub(super) fn model(
    app: &AppState,
    caller: &Caller,
    name: Option<&str>,
) -> Result<ModelAsked, ApiError> {
    let asked = meant(app, caller, name).map_err(|unknown| unknown_model(app, caller, &unknown))?;
    let Some(key) = &caller.virtual_key else {
        return Ok(asked);
    };
    if allows(app, key, &asked.name, &asked.group) {
        return Ok(asked);
    }
    let message = format!(
        "key not allowed to access model. This key can only access models={:?}. Tried to access {}",
        key.settings.models, asked.name
    );
    let error = ApiError::new(StatusCode::FORBIDDEN, "key_model_access_denied", message);
    Err(error.with_param("model"))
}

/// What the name means, whether or not the caller may ask for it.
pub(super) fn meant(
    app: &AppState,
    caller: &Caller,
    name: Option<&str>,
) -> Result<ModelAsked, UnknownModel> {
    let (name, long_context) = name.map_or(("", false), |name| plain(app, caller, name));
    let name = Some(name).filter(|name| !name.is_empty());
    let of_alias = name.map(|name| of_alias(app, caller, name));
    let group = app.routes.group(of_alias.map(|(meant, _)| meant))?;
    Ok(ModelAsked {
        name: name.unwrap_or(group).to_owned(),
        group: group.to_owned(),
        long_context: long_context || of_alias.is_some_and(|(_, long_context)| long_context),
    })
}

/// A model's name without the marks behind it that ask for its window of a million tokens, and whether there were any.
pub(super) fn plain<'n>(app: &AppState, caller: &Caller, name: &'n str) -> (&'n str, bool) {
    let key = caller.virtual_key.as_ref();
    if key.is_some_and(|key| key.settings.aliases.contains_key(name)) {
        return (name, false);
    }
    app.config.without_window_mark(name)
}

/// What the key's own aliases make of a name; they may ask for the long window, too.
fn of_alias<'n>(app: &'n AppState, caller: &'n Caller, name: &'n str) -> (&'n str, bool) {
    match &caller.virtual_key {
        Some(key) => app.config.without_window_mark(key.alias_of(name)),
        None => (name, false),
    }
}

/// The refusal of a name that no model has: 404, as OpenAI and Anthropic answer it. It names the model that was
/// probably meant, which is one that this caller may use.
pub(super) fn unknown_model(app: &AppState, caller: &Caller, unknown: &UnknownModel) -> ApiError {
    let message = match nearest(app, caller, &unknown.name) {
        Some(nearest) => format!("{unknown} The nearest of them is '{nearest}'."),
        None => unknown.to_string(),
    };
    ApiError::no_such_model(message)
}

/// The model that was probably meant by a name that no model has, of those that a caller may use.
pub(super) fn nearest(app: &AppState, caller: &Caller, name: &str) -> Option<String> {
    /// So many characters of a name are compared: a client may write megabytes.
    const LONGEST_COMPARED: usize = 200;
    let written: String = name.chars().take(LONGEST_COMPARED).collect();
    let mut visible = visible_names(app, caller);
    visible.retain(|name| !name.contains('*') && may_use(app, caller, name));
    let usable: Vec<&str> = visible.iter().map(String::as_str).collect();
    nearest_model(&written, &usable).map(str::to_owned)
}

/// The names of models that are listed for a caller: the configuration's and its key's own aliases.
pub(super) fn visible_names(app: &AppState, caller: &Caller) -> Vec<String> {
    let mut names = app.config.listed_names(time::day(Timestamp::now()));
    if let Some(key) = &caller.virtual_key {
        let own = key.settings.aliases.keys().cloned();
        let new: Vec<String> = own.filter(|name| !names.contains(name)).collect();
        names.extend(new);
    }
    names.retain(|name| may_see(app, caller, name));
    names
}

/// Whether a caller may ask for a model by this name.
pub(super) fn may_use(app: &AppState, caller: &Caller, name: &str) -> bool {
    let key = caller.virtual_key.as_ref();
    meant(app, caller, Some(name))
        .is_ok_and(|asked| key.is_none_or(|key| allows(app, key, &asked.name, &asked.group)))
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
