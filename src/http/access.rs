//! Which models a caller may ask for.

use http::StatusCode;
use jiff::Timestamp;

use crate::app::AppState;
use crate::bedrock::SessionCaller;
use crate::chain::{AllowedRegions, ChainOptions, UnknownModel};
use crate::config::nearest_model;
use crate::keys::{Caller, lists};
use crate::store::time;
use crate::wire::ApiError;

/// What a caller means by a model's name.
#[derive(Debug)]
pub(super) struct ResolvedModel {
    /// The name without marks behind it; the group's where none was given.
    pub(super) name: String,
    pub(super) group: String,
    /// The model is to have its window of a million tokens.
    pub(super) long_context: bool,
}

/// What a caller means by a model's name; without one, the configuration's default. The aliases of a key and its team
/// go before the configuration's names. What follows an allowed model by configuration is allowed with it.
pub(super) fn resolve_model(
    app: &AppState,
    caller: &Caller,
    name: Option<&str>,
) -> Result<ResolvedModel, ApiError> {
    let asked =
        resolve_name(app, caller, name).map_err(|unknown| unknown_model(app, caller, &unknown))?;
    match refusing_list(app, caller, &asked.name, &asked.group) {
        None => Ok(asked),
        Some((whose, models)) => Err(model_refused(whose, models, &asked.name)),
    }
}

/// The regions that may answer a caller who asks for this group: as the configuration, the group's deployments, the
/// key, its team and its user say.
pub(super) fn allowed_regions(app: &AppState, caller: &Caller, group: &str) -> AllowedRegions {
    let of_all = std::iter::once(&*app.config.general.allowed_regions);
    let targets = app.routes.targets(group);
    let of_group = targets
        .iter()
        .map(|target| &*target.deployment().allowed_regions);
    AllowedRegions::new(of_all.chain(of_group).chain(caller.region_lists()))
}

/// What the sessions of assumed roles are told apart by.
pub(super) fn session_caller(caller: &Caller) -> SessionCaller {
    let key = caller.virtual_key.as_deref();
    let team = key.and_then(|key| key.settings.team_id.clone());
    SessionCaller {
        team: team.unwrap_or_default(),
        key: caller.alias.clone(),
    }
}

/// No target of a request is in its regions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "No model may answer this request: it is bound to regions ({}), and these are outside: {}.",
    allowed.join(" and "),
    outside.join(", ")
)]
pub(crate) struct OutsideOfRegions {
    /// The lists that bind it, each as people write one.
    pub(crate) allowed: Vec<String>,
    /// Its targets.
    pub(crate) outside: Vec<String>,
}

/// Refuses a request of which no target is in its regions.
pub(super) fn check_regions(
    app: &AppState,
    options: &ChainOptions,
) -> Result<(), OutsideOfRegions> {
    match app.routes.outside_of_regions(options) {
        Some(outside) => Err(OutsideOfRegions {
            allowed: options.regions.lists(),
            outside,
        }),
        None => Ok(()),
    }
}

impl From<OutsideOfRegions> for ApiError {
    fn from(refusal: OutsideOfRegions) -> Self {
        let kind = "region_access_denied";
        ApiError::new(StatusCode::FORBIDDEN, kind, refusal.to_string()).with_param("model")
    }
}

/// The refusal of a model that the list of a key, its team, its membership there or its user does not have.
fn model_refused(whose: &'static str, models: &[String], asked: &str) -> ApiError {
    let (kind, of) = match whose {
        "team" => ("team_model_access_denied", "Team"),
        "member" => ("team_model_access_denied", "Team member"),
        "user" => ("user_model_access_denied", "User"),
        _ => ("key_model_access_denied", "key"),
    };
    let this = match whose {
        "key" => "This key can",
        "team" => "This team can",
        "member" => "This member of the team can",
        _ => "This user can",
    };
    let message = format!(
        "{of} not allowed to access model. {this} only access models={models:?}. Tried to access {asked}"
    );
    ApiError::new(StatusCode::FORBIDDEN, kind, message).with_param("model")
}

/// What the name means, whether or not the caller may ask for it.
pub(super) fn resolve_name(
    app: &AppState,
    caller: &Caller,
    name: Option<&str>,
) -> Result<ResolvedModel, UnknownModel> {
    let (name, long_context) =
        name.map_or(("", false), |name| without_window_mark(app, caller, name));
    let name = Some(name).filter(|name| !name.is_empty());
    let of_alias = name.map(|name| resolve_alias(app, caller, name));
    let group = app.routes.group(of_alias.map(|(meant, _)| meant))?;
    Ok(ResolvedModel {
        name: name.unwrap_or(group).to_owned(),
        group: group.to_owned(),
        long_context: long_context || of_alias.is_some_and(|(_, long_context)| long_context),
    })
}

/// A model's name without the marks behind it that ask for its window of a million tokens, and whether there were any.
pub(super) fn without_window_mark<'n>(
    app: &AppState,
    caller: &Caller,
    name: &'n str,
) -> (&'n str, bool) {
    if caller.aliases().any(|alias| alias == name) {
        return (name, false);
    }
    app.config.without_window_mark(name)
}

/// What the aliases of the key and its team make of a name; they may ask for the long window, too.
fn resolve_alias<'n>(app: &'n AppState, caller: &'n Caller, name: &'n str) -> (&'n str, bool) {
    match &caller.virtual_key {
        Some(_) => app.config.without_window_mark(caller.alias_of(name)),
        None => (name, false),
    }
}

/// The refusal of a name that no model has: 404, as OpenAI and Anthropic answer it. It names the model that was
/// probably meant, which is one that this caller may use.
pub(super) fn unknown_model(app: &AppState, caller: &Caller, unknown: &UnknownModel) -> ApiError {
    if let Some(model) = left_out_model(app, caller, &unknown.name) {
        let message = format!(
            "{unknown} The configuration has '{}' as {model}, which is not served here: this gateway calls Amazon Bedrock.",
            unknown.name
        );
        return ApiError::no_such_model(message);
    }
    let message = match nearest(app, caller, &unknown.name) {
        Some(nearest) => format!("{unknown} The nearest of them is '{nearest}'."),
        None => unknown.to_string(),
    };
    ApiError::no_such_model(message)
}

/// The model of another provider that the configuration has for a name, if the caller might use it.
fn left_out_model<'a>(app: &'a AppState, caller: &Caller, name: &str) -> Option<&'a str> {
    let may_use = allows(app, caller, name, name);
    app.config.left_out_model(name).filter(|_| may_use)
}

/// The model that was probably meant by a name that no model has, of those that a caller may use.
pub(super) fn nearest(app: &AppState, caller: &Caller, name: &str) -> Option<String> {
    /// The most characters of a name that are compared: a client may write megabytes.
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
    let own = caller.aliases().cloned();
    let new: Vec<String> = own.filter(|name| !names.contains(name)).collect();
    names.extend(new);
    names.retain(|name| may_see(app, caller, name));
    names
}

/// Whether a caller may ask for a model by this name.
pub(super) fn may_use(app: &AppState, caller: &Caller, name: &str) -> bool {
    resolve_name(app, caller, Some(name))
        .is_ok_and(|asked| allows(app, caller, &asked.name, &asked.group))
}

/// Whether a name of the configuration's is shown to a caller: also that of a pattern, which is no model.
pub(super) fn may_see(app: &AppState, caller: &Caller, name: &str) -> bool {
    let meant = caller.alias_of(name);
    let group = app.config.resolve_name(meant).unwrap_or(meant);
    allows(app, caller, name, group)
}

fn allows(app: &AppState, caller: &Caller, name: &str, group: &str) -> bool {
    refusing_list(app, caller, name, group).is_none()
}

/// The first list of models that does not have this one: by the name itself, by what the key's own aliases make of it,
/// or by its group.
fn refusing_list<'c>(
    app: &AppState,
    caller: &'c Caller,
    name: &str,
    group: &str,
) -> Option<(&'static str, &'c [String])> {
    let names = [name, caller.alias_of(name), group];
    caller.model_lists().find(|(_, models)| {
        !names
            .into_iter()
            .any(|name| lists(models, name, group, &app.config))
    })
}
