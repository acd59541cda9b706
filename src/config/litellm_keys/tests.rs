//! The tables against the schema, and against LiteLLM's own code where it is installed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use super::*;
use crate::config::schema::{
    Access, ConfigFile, CustomPrices, GeneralKeys, LimitKeys, ModelEntry, ModelInfoKeys,
    ModelTarget, OuterLimits, RequestDefaults, RetryAndTimeouts, RoutingKeys,
};

const SECTIONS: [Section; 7] = [
    Section::TopLevel,
    Section::GeneralSettings,
    Section::LitellmSettings,
    Section::RouterSettings,
    Section::ModelListEntry,
    Section::LitellmParams,
    Section::ModelInfo,
];

/// Keys that people write although LiteLLM never had them.
const NEVER_OF_LITELLM: [&str; 3] = ["disable_user_auth", "openai_api_base", "openapi"];

/// Keys that LiteLLM documents and version 1.108 does not read: those of older versions, of newer ones, and a misspelt
/// one.
const DOCUMENTED_ALONE: [&str; 10] = [
    "custom_auth_settings",
    "disable_adding_master_key_hash_to_db",
    "enable_pre_call_check",
    "heuristic_v2_router_limit",
    "legacy_unscoped_spend_list_endpoints",
    "max_failed_login_attempts",
    "scope_spend_list_endpoints_to_caller",
    "stream_idle_timeout",
    "ttft_timeout",
    "use_client_credentials_pass_through_routes",
];

#[test]
fn every_table_is_sorted_and_has_a_key_once() {
    for section in SECTIONS {
        for table in tables(section) {
            let sorted = table.windows(2).all(|pair| match pair {
                [one, next] => one.name < next.name,
                _ => true,
            });
            assert!(sorted, "{section:?}");
        }
        let all: Vec<_> = names(section).collect();
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len(), "{section:?}");
    }
}

#[test]
fn a_key_is_found_in_its_own_section() {
    let status = |section, name| find(section, name).map(|key| (key.section, key.status));
    assert_eq!(
        status(Section::GeneralSettings, "master_key"),
        Some((Section::GeneralSettings, LitellmSupport::Works))
    );
    for section in [Section::LitellmParams, Section::ModelInfo] {
        assert_eq!(
            status(section, "input_cost_per_token"),
            Some((section, LitellmSupport::Works))
        );
    }
    assert_eq!(status(Section::RouterSettings, "master_key"), None);
    assert_eq!(status(Section::TopLevel, ""), None);
}

#[test]
fn a_reason_is_one_clause() {
    for key in SECTIONS.into_iter().flat_map(keys) {
        let reason = match key.status {
            LitellmSupport::Works => continue,
            LitellmSupport::WorksDifferently(reason)
            | LitellmSupport::NoMeaning(reason)
            | LitellmSupport::NotDone(reason)
            | LitellmSupport::NotProtected(reason) => reason,
        };
        let is_clause = !reason.is_empty() && !reason.ends_with('.') && !reason.contains("  ");
        assert!(is_clause, "{}: {reason}", key.name);
    }
}

#[test]
fn a_key_that_the_schema_reads_is_never_said_to_be_missing() {
    for section in SECTIONS {
        let read = read_by_the_schema(section);
        for key in keys(section).filter(|key| read.contains(key.name)) {
            assert!(
                matches!(
                    key.status,
                    LitellmSupport::Works | LitellmSupport::WorksDifferently(_)
                ),
                "{section:?}: {}",
                key.name
            );
        }
    }
}

#[test]
fn what_works_as_in_litellm_is_read_by_the_schema() {
    let mut unread = Vec::new();
    for section in SECTIONS {
        let read = read_by_the_schema(section);
        let works = keys(section).filter(|key| key.status == LitellmSupport::Works);
        let names = works.map(|key| key.name);
        unread.extend(
            names
                .filter(|name| !read.contains(name))
                .map(|name| (section, name)),
        );
    }
    assert_eq!(unread, []);
}

/// The keys of a section's tables that a struct of the schema reads there.
fn read_by_the_schema(section: Section) -> BTreeSet<&'static str> {
    let readers: &[fn(Section) -> Vec<&'static str>] = match section {
        Section::TopLevel => &[read_by::<ConfigFile>],
        Section::GeneralSettings => &[read_by::<GeneralKeys>],
        Section::LitellmSettings => &[
            read_by::<RetryAndTimeouts>,
            read_by::<RoutingKeys>,
            read_by::<Access>,
            read_by::<GeneralKeys>,
        ],
        Section::RouterSettings => &[read_by::<RetryAndTimeouts>, read_by::<RoutingKeys>],
        Section::ModelListEntry => &[read_by::<ModelEntry>, read_by::<OuterLimits>],
        Section::LitellmParams => &[
            read_by::<ModelTarget>,
            read_by::<Access>,
            read_by::<LimitKeys>,
            read_by::<RequestDefaults>,
            read_by::<CustomPrices>,
        ],
        Section::ModelInfo => &[
            read_by::<ModelInfoKeys>,
            read_by::<CustomPrices>,
            read_by::<OuterLimits>,
        ],
    };
    readers.iter().flat_map(|read| read(section)).collect()
}

/// The keys of a section's tables that a struct reads: it is given them all, and those that it ignores are told.
fn read_by<T: DeserializeOwned>(section: Section) -> Vec<&'static str> {
    let all: Mapping = names(section)
        .map(|name| (Value::from(name), Value::Null))
        .collect();
    let mut ignored = BTreeSet::new();
    let mut note = |path: serde_ignored::Path<'_>| {
        ignored.insert(path.to_string());
    };
    let reader = serde_ignored::Deserializer::new(Value::Mapping(all), &mut note);
    T::deserialize(reader).unwrap();
    names(section)
        .filter(|name| !ignored.contains(*name))
        .collect()
}

/// Prints the keys that LiteLLM's classes have, a line for each with its section, and those of its arguments that no
/// file of the package has a word for. The package is read and not imported.
const KEYS_OF_THE_PACKAGE: &str = r#"
import ast, importlib.util, pathlib, re, sys

package = pathlib.Path(importlib.util.find_spec("litellm").origin).parent

def parsed(path, name):
    tree = ast.parse((package / path).read_text())
    return next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name)

def fields(path, name):
    for part in parsed(path, name).body:
        if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
            yield part.target.id

def arguments(path, name):
    init = next(f for f in parsed(path, name).body if getattr(f, "name", "") == "__init__")
    return [a.arg for a in init.args.args + init.args.kwonlyargs if a.arg != "self"]

params = ["CredentialLiteLLMParams", "GenericLiteLLMParams", "LiteLLM_Params", "LiteLLMParamsTypedDict"]
prices = ["CustomPricingLiteLLMParams", "MirroredPricingParams"]
found = [("TopLevel", k) for k in fields("proxy/_types.py", "ConfigYAML")]
found += [("GeneralSettings", k) for k in fields("proxy/_types.py", "ConfigGeneralSettings")]
found += [("RouterSettings", k) for k in arguments("router.py", "Router")]
found += [("ModelListEntry", k) for k in fields("types/router.py", "Deployment")]
found += [("LitellmParams", k) for c in params for k in fields("types/router.py", c)]
found += [("LitellmParams", k) for c in prices for k in fields("types/utils.py", c)]
found += [("ModelInfo", k) for k in fields("types/router.py", "ModelInfo")]
found += [("ModelInfo", k) for c in prices for k in fields("types/utils.py", c)]
for section, key in found:
    print(section, key)
words = set()
for file in package.rglob("*.py"):
    words.update(re.findall(r"\w+", file.read_text(errors="ignore")))
for name in sys.argv[1:]:
    if name not in words:
        print("-", name)
"#;

#[test]
fn every_key_that_litellm_reads_is_known_and_no_others() {
    let Some(python) = std::env::var_os("LITELLM_PYTHON") else {
        println!("0 keys compared: LITELLM_PYTHON names no Python that has LiteLLM");
        return;
    };
    let elsewhere =
        |name: &&str| NEVER_OF_LITELLM.contains(name) || DOCUMENTED_ALONE.contains(name);
    let all: BTreeSet<&str> = SECTIONS.into_iter().flat_map(names).collect();
    let all = all.into_iter().filter(|name| !elsewhere(name));
    let mut command = Command::new(python);
    let output = command.args(["-c", KEYS_OF_THE_PACKAGE]).args(all).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut of_litellm: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (section, name) in printed.lines().filter_map(|line| line.split_once(' ')) {
        of_litellm.entry(section).or_default().push(name);
    }
    let unheard_of = of_litellm.remove("-").unwrap_or_default();
    assert!(
        unheard_of.is_empty(),
        "no words of LiteLLM's code: {unheard_of:?}"
    );
    assert!(of_litellm.len() >= 6, "{:?}", of_litellm.keys());
    for section in SECTIONS {
        let theirs = of_litellm.remove(format!("{section:?}").as_str());
        for name in theirs.unwrap_or_default() {
            let unknown = "LiteLLM has it, and the tables do not";
            assert!(
                find(section, name).is_some(),
                "{section:?}: {name}: {unknown}"
            );
        }
    }
}
