//! Keys that LiteLLM has made go on working, with what they have spent.

use std::path::Path;
use std::sync::Arc;

use bedrock_sidecar::store::Embedded;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::keys::{chat_as, sha256};
use crate::support::process::{Ended, command};
use crate::support::{CONFIG, TestApp, hello};

/// What the embedded table is called.
const TABLE: &str = "bedrock-sidecar";

/// A table that keys are imported into.
struct Target(TempDir);

impl Target {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> &Path {
        self.0.path()
    }

    /// Imports pages of LiteLLM's list, each from a file.
    async fn import_pages(&self, options: &[&str], pages: &[Value]) -> Ended {
        let mut arguments = vec!["keys".to_owned(), "from-litellm".to_owned()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        for (n, page) in pages.iter().enumerate() {
            let file = self.data().join(format!("page-{n}.json"));
            std::fs::write(&file, page.to_string()).unwrap();
            arguments.push(file.to_str().unwrap().to_owned());
        }
        command(CONFIG, &[("DATA_DIR", self.data())], &arguments).await
    }

    async fn import(&self, options: &[&str], keys: &[Value]) -> Ended {
        self.import_pages(options, &[list(keys, keys.len())]).await
    }

    /// A gateway with this table.
    async fn gateway(&self) -> TestApp {
        let embedded = Arc::new(Embedded::open(self.data()).await.unwrap());
        TestApp::builder().table(&embedded, TABLE).start().await
    }
}

/// A page of LiteLLM's list, of so many keys in all.
fn list(keys: &[Value], total: usize) -> Value {
    json!({"keys": keys, "total_count": total, "current_page": 1, "total_pages": 1})
}

/// A key as LiteLLM lists it, with every field that it has; these are set to something else.
fn listed(key: &str, alias: &str, fields: Value) -> Value {
    let mut listed: Value = serde_json::from_str(include_str!("key.json")).unwrap();
    listed["token"] = json!(sha256(key));
    listed["key_alias"] = json!(alias);
    let fields = fields.as_object().unwrap().clone();
    listed.as_object_mut().unwrap().extend(fields);
    listed
}

async fn info(app: &TestApp, key: &str) -> Value {
    let info = app
        .get_json(&format!("/key/info?key={}", sha256(key)))
        .await;
    info["info"].clone()
}

async fn asks(app: &TestApp, key: &str) -> (StatusCode, Value) {
    let response = chat_as(app, key, &hello("primary")).await;
    (response.status(), response.json().await.unwrap())
}

const KEY: &str = "sk-litellm-made-this-one";
const OTHER: &str = "sk-litellm-made-that-one";

#[tokio::test]
async fn a_key_of_litellm_works_on_with_its_limits_and_nobody_changes_it() {
    let target = Target::new();
    let key = listed(
        KEY,
        "alice",
        json!({
            "models": ["primary", "backup"], "aliases": {"gpt": "primary"}, "rpm_limit": 7,
            "tpm_limit": 100_000, "max_parallel_requests": 3, "user_id": "u1", "spend": 1.25e-5,
            "key_type": "llm_api", "allowed_routes": ["llm_api_routes"],
            "expires": "2100-01-02T03:04:05+00:00",
            "metadata": {"tags": ["shop"], "model_rpm_limit": {"primary": 5}, "note": "hers",
                "temp_budget_increase": 2.5, "temp_budget_expiry": "2100-01-01T00:00:00"},
            "litellm_budget_table": {"budget_id": "b", "max_budget": 10.0, "soft_budget": 5.0},
        }),
    );
    let done = target.import(&[], &[key]).await;
    assert!(done.ok, "{}", done.text);
    let app = target.gateway().await;
    let (status, answer) = asks(&app, KEY).await;
    assert_eq!(status, 200, "{answer}");
    app.settle().await;
    let info = info(&app, KEY).await;
    for (field, value) in [
        ("key_alias", json!("alice")),
        ("key_name", json!("sk-...abcd")),
        ("models", json!(["primary", "backup"])),
        ("aliases", json!({"gpt": "primary"})),
        ("rpm_limit", json!(7)),
        ("tpm_limit", json!(100_000)),
        ("max_parallel_requests", json!(3)),
        ("model_rpm_limit", json!({"primary": 5})),
        ("max_budget", json!(10)),
        ("soft_budget", json!(5)),
        ("temp_budget_increase", json!(2.5)),
        ("temp_budget_expiry", json!("2100-01-01T00:00:00Z")),
        ("tags", json!(["shop"])),
        ("metadata", json!({"note": "hers"})),
        ("user_id", json!("u1")),
        ("expires", json!("2100-01-02T03:04:05Z")),
        ("created_at", json!("2026-01-02T03:04:05.678Z")),
    ] {
        assert_eq!(info[field], value, "{field}");
    }
    let spend = info["spend"].as_f64().unwrap();
    assert!(spend > 1.25e-5, "{spend}");
}

#[tokio::test]
async fn what_was_spent_counts_on() {
    let target = Target::new();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let next = today.first_of_month() + 1.month();
    let in_window = json!({
        "spend": 25.0, "max_budget": 25.0, "budget_duration": "30d",
        "budget_reset_at": format!("{next}T00:00:00Z"),
    });
    let ever = json!({"spend": 3.5, "max_budget": 3.0});
    let keys = [listed(KEY, "alice", in_window), listed(OTHER, "bob", ever)];
    let done = target.import(&[], &keys).await;
    assert!(done.ok, "{}", done.text);
    assert!(done.text.contains("$25 of $25 spent"), "{}", done.text);
    assert!(!done.text.contains("windows differ"), "{}", done.text);
    let app = target.gateway().await;
    for key in [KEY, OTHER] {
        let (status, answer) = asks(&app, key).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!(answer["error"]["type"], "budget_exceeded");
    }
    assert_eq!(info(&app, KEY).await["spend"], json!(25));
    // The budget of a month begins anew with the next; one without a window never does.
    app.clock
        .advance(std::time::Duration::from_secs(31 * 24 * 60 * 60));
    assert_eq!(asks(&app, KEY).await.0, StatusCode::OK);
    assert_eq!(asks(&app, OTHER).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn windows_that_differ_are_told() {
    let target = Target::new();
    let window = |reset: Timestamp| {
        json!({
            "spend": 5.0, "max_budget": 5.0, "budget_duration": "1mo",
            "budget_reset_at": reset.to_string(),
        })
    };
    let now = Timestamp::now();
    let keys = [
        listed(KEY, "later", window(now + (40 * 24).hours())),
        listed(OTHER, "over", window(now - 1.hour())),
    ];
    let done = target.import(&[], &keys).await;
    assert!(done.ok, "{}", done.text);
    for part in [
        "Budgets whose windows differ:",
        "what is spent counts until",
        "the budget begins anew",
    ] {
        assert!(done.text.contains(part), "{part}: {}", done.text);
    }
    let app = target.gateway().await;
    assert_eq!(asks(&app, KEY).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(asks(&app, OTHER).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let target = Target::new();
    let spent = listed(KEY, "alice", json!({"spend": 1.0, "max_budget": 2.0}));
    assert!(target.import(&[], &[spent]).await.ok);
    let app = target.gateway().await;
    assert_eq!(asks(&app, KEY).await.0, StatusCode::OK);
    app.settle().await;
    let changed = json!({"key": sha256(KEY), "max_budget": 1.5});
    let changed = app.post("/key/update", &changed).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let before = info(&app, KEY).await;
    let again = listed(KEY, "alice", json!({"spend": 0.0, "max_budget": 9.0}));
    let done = target.import(&[], &[again]).await;
    assert!(done.ok, "{}", done.text);
    assert!(done.text.contains("made: 0"), "{}", done.text);
    assert!(
        done.text.contains("here already: 1\n  alice ("),
        "{}",
        done.text
    );
    assert_eq!(info(&app, KEY).await, before);
    // Neither does it bring back a key that was deleted here.
    let deleted = json!({"keys": [sha256(KEY)]});
    app.post("/key/delete", &deleted).send().await.unwrap();
    let done = target.import(&[], &[listed(KEY, "alice", json!({}))]).await;
    assert!(done.text.contains("deleted here"), "{}", done.text);
    assert_eq!(
        asks(&target.gateway().await, KEY).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_key_that_would_be_less_protected_is_made_only_where_that_is_accepted() {
    for (name, fields) in [
        (
            "allowed_routes",
            json!({"allowed_routes": ["management_routes"]}),
        ),
        (
            "model_max_budget",
            json!({"model_max_budget": {"primary": {"budget_limit": 1}}}),
        ),
        (
            "model_max_budget",
            json!({"litellm_budget_table": {"model_max_budget": {"primary": {"max_budget": 1}}}}),
        ),
        ("guardrails", json!({"metadata": {"guardrails": ["pii"]}})),
        (
            "enforced_params",
            json!({"metadata": {"enforced_params": ["user"]}}),
        ),
        ("tpd_limit", json!({"tpd_limit": 5})),
        (
            "team_models",
            json!({"team_id": "t", "models": ["all-team-models"]}),
        ),
        ("team_models", json!({"team_id": "t"})),
        (
            "budget_duration",
            json!({"max_budget": 1.0, "budget_duration": "1y"}),
        ),
        ("of_a_later_version", json!({"of_a_later_version": ["x"]})),
    ] {
        let target = Target::new();
        let keys = [
            listed(KEY, "alice", fields),
            listed(OTHER, "bob", json!({})),
        ];
        let done = target.import(&[], &keys).await;
        assert!(!done.ok, "{name}: {}", done.text);
        let refused = format!(
            "NOT made: 1\n  alice ({}…): without {name}",
            &sha256(KEY)[..8]
        );
        assert!(done.text.contains(&refused), "{}", done.text);
        assert!(
            done.text.contains(&format!("\n  {name}: ")),
            "{}",
            done.text
        );
        let app = target.gateway().await;
        assert_eq!(asks(&app, KEY).await.0, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(asks(&app, OTHER).await.0, StatusCode::OK, "{name}");
        let done = target.import(&["--accept-missing", name], &keys).await;
        assert!(done.ok, "{name}: {}", done.text);
        let app = target.gateway().await;
        assert_eq!(asks(&app, KEY).await.0, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn what_does_nothing_here_is_told_with_the_keys_that_have_it() {
    let target = Target::new();
    let of_team = json!({
        "team_id": "t", "models": ["primary", "gone"],
        "metadata": {"logging": [{"callback_vars": {"langfuse_secret_key": "hidden"}}]},
    });
    let keys = [
        listed(KEY, "alice", of_team),
        listed(OTHER, "bob", json!({"team_id": "t", "models": ["backup"]})),
    ];
    let done = target.import(&[], &keys).await;
    assert!(done.ok, "{}", done.text);
    let (alice, bob) = (&sha256(KEY)[..8], &sha256(OTHER)[..8]);
    for line in [
        format!(
            "team_id: the team's budget, models and limits hold once /team/new makes the team here: \
             alice ({alice}…), bob ({bob}…)"
        ),
        format!("models: gone: not a model of this configuration: alice ({alice}…)"),
        format!("logging: there are no callbacks here: alice ({alice}…)"),
    ] {
        assert!(done.text.contains(&line), "{line}: {}", done.text);
    }
    assert!(!done.text.contains(&sha256(KEY)), "{}", done.text);
    let app = target.gateway().await;
    let info = info(&app, KEY).await;
    assert_eq!(info["team_id"], "t");
    assert_eq!(
        info["metadata"],
        json!({}),
        "a secret of a callback is not kept"
    );
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let target = Target::new();
    let keys = [
        listed(KEY, "alice", json!({})),
        // Its alias is the first one's.
        listed(OTHER, "alice", json!({})),
    ];
    let dry = target.import(&["--dry-run"], &keys).await;
    assert!(
        !dry.ok && dry.text.contains("would be made: 1"),
        "{}",
        dry.text
    );
    let app = target.gateway().await;
    assert_eq!(asks(&app, KEY).await.0, StatusCode::UNAUTHORIZED);
    drop(app);
    let done = target.import(&[], &keys).await;
    assert_eq!(done.text, dry.text.replace("would be made", "made"));
    assert!(
        done.text.contains("the alias \"alice\" exists already"),
        "{}",
        done.text
    );
}

#[tokio::test]
async fn blocked_and_expired_keys_stay_so() {
    let target = Target::new();
    let keys = [
        listed(KEY, "alice", json!({"blocked": true})),
        // Without an offset it is in UTC.
        listed(OTHER, "bob", json!({"expires": "2026-01-01T00:00:00"})),
    ];
    assert!(target.import(&[], &keys).await.ok);
    let app = target.gateway().await;
    for (key, status) in [(KEY, "blocked"), (OTHER, "expired")] {
        assert_eq!(asks(&app, key).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(info(&app, key).await["status"], status);
    }
}

#[tokio::test]
async fn pages_that_are_missing_are_told_and_each_key_counts_once() {
    let target = Target::new();
    let one = listed(KEY, "alice", json!({}));
    let two = listed(OTHER, "bob", json!({}));
    let page = list(std::slice::from_ref(&one), 2);
    let done = target
        .import_pages(&["--dry-run"], std::slice::from_ref(&page))
        .await;
    assert!(
        !done.ok && done.text.contains("1 further keys"),
        "{}",
        done.text
    );
    let done = target
        .import_pages(&[], &[page, list(&[one, two], 2)])
        .await;
    assert!(done.ok && done.text.contains("made: 2"), "{}", done.text);
}

#[tokio::test]
async fn what_is_no_list_is_told_with_its_place() {
    let target = Target::new();
    for (page, what) in [
        (
            json!({"error": {"message": "no"}}),
            "the field `keys` is missing",
        ),
        (
            json!({"keys": [sha256(KEY)]}),
            "keys[0] is not an object: ask LiteLLM",
        ),
        (
            json!({"keys": [{"token": KEY}]}),
            "keys[0].token is not the SHA-256",
        ),
    ] {
        let done = target.import_pages(&[], &[page]).await;
        assert!(!done.ok && done.text.contains(what), "{}", done.text);
        assert!(done.text.contains("page-0.json"), "{}", done.text);
        assert!(!done.text.contains(KEY), "{}", done.text);
    }
    let wrong = listed(KEY, "alice\u{1b}[2J", json!({"rpm_limit": -5}));
    let done = target.import(&[], &[wrong]).await;
    assert!(!done.ok, "{}", done.text);
    assert!(done.text.contains("alice\\u{1b}[2J ("), "{}", done.text);
    assert!(
        done.text.contains("rpm_limit is not a whole number"),
        "{}",
        done.text
    );
}
