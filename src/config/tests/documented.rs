//! docs/configuration.md has every key that the schema reads, and no other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::config::file::fields_of;
use crate::config::litellm_keys::{LitellmSupport, Section, find};
use crate::config::model::Settings;
use crate::config::schema::{
    Access, ConfigFile, ConfiguredTeam, CustomPrices, GeneralKeys, IdentitySettings, LimitKeys,
    ModelEntry, ModelInfoKeys, ModelTarget, OuterLimits, RequestDefaults, RetryAndTimeouts,
    RoutingKeys, TokenIssuer, WrittenSearch,
};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// A key's row.
struct Row {
    default: &'static str,
    of_litellm: &'static str,
    /// The same key, written in another way.
    other_name: Option<&'static str>,
}

/// The rows of the table under a heading, by key.
fn rows(heading: &str) -> BTreeMap<&'static str, Row> {
    let under = PAGE
        .lines()
        .skip_while(|line| line.strip_prefix("### ") != Some(heading));
    let table = under
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let mut rows = BTreeMap::new();
    for line in table {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, key, _, default, of_litellm, meaning, _] = cells[..] else {
            panic!("a row of another form: {line}");
        };
        let other_name = meaning
            .split_once("lso written `")
            .map(|(_, name)| name.split('`').next().unwrap());
        let row = Row {
            default,
            of_litellm,
            other_name,
        };
        let key = key.trim_matches('`');
        assert!(rows.insert(key, row).is_none(), "{heading}: {key} twice");
    }
    assert!(!rows.is_empty(), "no table under {heading}");
    rows
}

fn of<T: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
    fields_of::<T>().to_vec()
}

/// A table's heading, the keys of the structs that read its section, and where LiteLLM has such keys.
type DocumentedTable = (&'static str, Vec<Vec<&'static str>>, Vec<Section>);

/// Every table of the page.
fn tables() -> [DocumentedTable; 10] {
    use Section::{
        GeneralSettings, LitellmParams, LitellmSettings, ModelInfo, ModelListEntry, RouterSettings,
        TopLevel,
    };
    [
        ("Top level", vec![of::<ConfigFile>()], vec![TopLevel]),
        (
            "litellm_settings and router_settings",
            vec![of::<RetryAndTimeouts>(), of::<RoutingKeys>()],
            vec![LitellmSettings, RouterSettings],
        ),
        (
            "general_settings",
            vec![of::<GeneralKeys>()],
            vec![GeneralSettings, LitellmSettings],
        ),
        (
            "general_settings.teams",
            vec![of::<ConfiguredTeam>()],
            vec![],
        ),
        (
            "general_settings.identity",
            vec![of::<IdentitySettings>()],
            vec![],
        ),
        (
            "general_settings.identity.issuers",
            vec![of::<TokenIssuer>()],
            vec![],
        ),
        (
            "general_settings.web_search",
            vec![of::<WrittenSearch>()],
            vec![],
        ),
        (
            "An entry of model_list",
            vec![of::<ModelEntry>(), of::<OuterLimits>()],
            vec![ModelListEntry],
        ),
        (
            "litellm_params",
            vec![
                of::<ModelTarget>(),
                of::<Access>(),
                of::<LimitKeys>(),
                of::<RequestDefaults>(),
                of::<CustomPrices>(),
            ],
            vec![LitellmParams],
        ),
        (
            "model_info",
            vec![
                of::<ModelInfoKeys>(),
                of::<CustomPrices>(),
                of::<OuterLimits>(),
            ],
            vec![ModelInfo],
        ),
    ]
}

#[test]
fn the_page_has_every_key_that_is_read_and_no_other() {
    for (heading, read, _) in tables() {
        let read: BTreeSet<&str> = read.into_iter().flatten().collect();
        let rows = rows(heading);
        let others = rows.values().filter_map(|row| row.other_name);
        let documented: BTreeSet<&str> = rows.keys().copied().chain(others).collect();
        let missing: Vec<_> = read.difference(&documented).collect();
        assert!(missing.is_empty(), "{heading} lacks {missing:?}");
        let unknown: Vec<_> = documented.difference(&read).collect();
        assert!(unknown.is_empty(), "{heading} has {unknown:?}");
    }
}

#[test]
fn the_page_says_rightly_what_litellm_has() {
    for (heading, _, sections) in tables() {
        for (key, row) in rows(heading) {
            let statuses: Vec<LitellmSupport> = sections
                .iter()
                .filter_map(|section| Some(find(*section, key)?.status))
                .collect();
            let differs =
                |status: &LitellmSupport| matches!(status, LitellmSupport::WorksDifferently(_));
            let right = if sections.is_empty() {
                row.of_litellm
            } else if statuses.contains(&LitellmSupport::Works) {
                "yes"
            } else if statuses.iter().any(differs) {
                "differs"
            } else {
                "no"
            };
            assert_eq!(row.of_litellm, right, "{heading}: {key}");
        }
    }
}

#[test]
fn the_page_has_the_defaults_of_the_code() {
    let settings = Settings::default();
    let seconds = |time: std::time::Duration| time.as_secs().to_string();
    let rows = rows("litellm_settings and router_settings");
    for (key, default) in [
        ("num_retries", settings.num_retries.to_string()),
        ("retry_after", seconds(settings.retry_after)),
        ("request_timeout", seconds(settings.request_timeout)),
        ("idle_timeout", seconds(settings.idle_timeout)),
        (
            "heartbeat_interval",
            seconds(settings.heartbeat_interval.unwrap()),
        ),
        ("total_timeout", seconds(settings.total_timeout)),
        ("drain_timeout", seconds(settings.drain_timeout)),
        ("record_timeout", seconds(settings.record_timeout)),
        ("connect_timeout", seconds(settings.connect_timeout)),
        ("cooldown_time", seconds(settings.cooldown_time)),
        ("long_cooldown_time", seconds(settings.long_cooldown_time)),
        ("allowed_fails", settings.allowed_fails.to_string()),
        ("disable_cooldowns", settings.disable_cooldowns.to_string()),
        ("drop_params", settings.drop_params.to_string()),
    ] {
        assert_eq!(rows[key].default, format!("`{default}`"), "{key}");
    }
}
