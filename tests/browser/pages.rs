//! From signing in to signing out.

use std::time::Duration;

use bedrock_sidecar::config::{Changes, Fallbacks};
use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Browser, run};
use crate::support::keys::{chat_with, made};
use crate::support::{KEY, PRIMARY, TestApp, hello, validation_error};

/// As the WebDriver protocol spells them (<https://www.w3.org/TR/webdriver2/#keyboard-actions>).
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// The bundled configuration with a group of several deployments before it.
fn yaml() -> String {
    let pool = "model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-5-5, aws_region_name: us-east-1, weight: 3}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-west-2, weight: 1}}
";
    include_str!("../../config/default_config.yml").replacen("model_list:\n", pool, 1)
}

async fn sign_in(browser: &Browser, app: &TestApp) {
    browser.open(&format!("{}/ui", app.url)).await;
    assert!(browser.address().await.ends_with("/ui/login"));
    browser.fill("#user", "admin").await;
    browser.fill("#password", KEY).await;
    browser.press("button.main").await;
    assert!(browser.address().await.ends_with("/ui"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_works_from_signing_in_to_signing_out() {
    let app = TestApp::builder().config(&yaml()).start().await;
    app.with_a_month_of_use().await;
    let retired = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
    let throttled = [Step::throttle(), Step::throttle(), Step::throttle()];
    app.bedrock
        .script("us.anthropic.claude-opus-5-5", throttled);
    app.chat(&hello("claude-opus-5-5")).await;
    app.chat(&hello("claude-haiku-5-5")).await;
    app.chat(&hello("bedrock-converse-us-claude-3-7-sonnet-v1"))
        .await;
    assert_eq!(app.bedrock.requests_for(retired).len(), 1);
    for (alias, max) in [("Maria's laptop", 20), ("nightly", 0)] {
        let body = json!({"key_alias": alias, "max_budget": max, "budget_duration": "30d"});
        app.post("/key/generate", &body).send().await.unwrap();
    }
    let team = json!({"team_id": "platform", "team_alias": "Platform team", "max_budget": 500, "budget_duration": "1mo",
        "models": ["claude-sonnet-5-5", "claude-haiku-*"], "rpm_limit": 600, "allowed_regions": ["us-*"]});
    app.post("/team/new", &team).send().await.unwrap();
    let user =
        json!({"user_id": "maria", "user_email": "maria@example.com", "teams": ["platform"]});
    app.post("/user/new", &user).send().await.unwrap();
    let customer = json!({"user_ids": ["acme-corporation-eu-central-1"]});
    app.post("/customer/block", &customer).send().await.unwrap();
    app.settle().await;

    run(async |browser| {
        browser.open(&format!("{}/ui/login", app.url)).await;
        browser.inspect("login").await;
        browser.fill("#user", "admin").await;
        browser.fill("#password", "sk-wrong").await;
        browser.press("button.main").await;
        assert!(
            browser
                .text()
                .await
                .contains("The user or the password is wrong.")
        );
        browser.inspect("login-refused").await;

        sign_in(browser, &app).await;
        let text = browser.text().await;
        assert!(
            text.contains("cooling down") && text.contains("Platform team"),
            "{text}"
        );
        browser.inspect("overview").await;
        browser.press("nav a[href='/ui/models']").await;
        let text = browser.text().await;
        assert!(
            text.contains("cooling down") && text.contains("healthy"),
            "{text}"
        );
        browser.inspect("models").await;
        let unfold = "for (const d of document.querySelectorAll('details')) d.open = true";
        browser.script(unfold).await;
        browser.inspect("models-unfolded").await;
        browser
            .press("details:nth-of-type(2) .deployment button")
            .await;
        assert!(browser.text().await.contains("It works"));
        browser.inspect("models-test").await;
        browser.open(&format!("{}/ui/models", app.url)).await;
        browser.script(unfold).await;
        browser
            .press("details:nth-of-type(2) button[name=fallback]")
            .await;
        assert!(browser.text().await.contains("made to fail for this test"));
        browser.inspect("models-fallback").await;

        browser.press("nav a[href='/ui/usage']").await;
        assert!(browser.text().await.contains("Cache hit rate"));
        browser.inspect("usage").await;
        browser
            .press(".period a[href^='/ui/usage?period=today']")
            .await;
        browser.inspect("usage-today").await;
        browser.press(".tabs a[href*='split=key']").await;
        browser.inspect("usage-by-key").await;

        browser.press("nav a[href='/ui/sessions']").await;
        browser.inspect("sessions").await;
        browser.press("nav a[href='/ui/docs']").await;
        browser.inspect("docs").await;
        ask_two_models(browser, &app).await;

        browser.press("nav a[href='/ui/logs']").await;
        browser.inspect("logs").await;
        browser.press("a[rel=next]").await;
        assert!(browser.text().await.contains("Newest"));

        browser.press("nav a[href='/ui/teams']").await;
        assert!(browser.text().await.contains("Platform team"));
        browser.inspect("teams").await;
        browser.press("section:nth-of-type(1) form button").await;
        assert!(browser.text().await.contains("Unblock"));
        browser.inspect("teams-blocked").await;

        browser.press("nav a[href='/ui/settings']").await;
        browser.inspect("settings").await;
        edit_and_save(browser, &app).await;

        browser.open(&format!("{}/ui/nothing", app.url)).await;
        browser.inspect("error").await;

        browser.open(&format!("{}/ui/models", app.url)).await;
        browser.press("header form button").await;
        assert!(browser.address().await.ends_with("/ui/login"));
        browser.open(&format!("{}/ui/usage", app.url)).await;
        assert!(browser.address().await.ends_with("/ui/login?next=usage"));
        assert_eq!(browser.complaints().await, [""; 0]);
    })
    .await;
}

async fn ask_two_models(browser: &Browser, app: &TestApp) {
    browser.press("nav a[href='/ui/playground']").await;
    browser.inspect("playground").await;
    let choose = "document.getElementById('model').value = 'claude-haiku-5-5';
        document.getElementById('other').value = 'claude-sonnet-5-5'";
    browser.script(choose).await;
    browser.fill("#message", "Say **something**.").await;
    let ask = "document.querySelector('#playground button.main').click()";
    browser.script(ask).await;
    for _ in 0..400 {
        let answered = "return document.querySelectorAll('#answers .facts').length";
        if browser.script(answered).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let text = browser.text().await;
    assert_eq!(text.matches("It works").count(), 2, "{text}");
    browser.inspect("playground-answered").await;
    browser.open(&format!("{}/ui/logs", app.url)).await;
    browser.press("nav a[href='/ui/usage']").await;
}

async fn edit_and_save(browser: &Browser, app: &TestApp) {
    let list = "fallbacks:claude-sonnet-5-5";
    browser.press(&format!("button[value='up 1 {list}']")).await;
    assert!(browser.text().await.contains("not saved yet"));
    browser
        .press(&format!("button[value='remove 2 {list}']"))
        .await;
    browser.press("button[value='down 0 order:pool']").await;
    browser.press("button[value=save]").await;
    let text = browser.text().await;
    assert!(
        text.contains("Saved.") && text.contains("version 1"),
        "{text}"
    );
    browser.inspect("settings-saved").await;

    // Somebody else saves while this one edits.
    browser.press(&format!("button[value='up 1 {list}']")).await;
    let fallbacks = Fallbacks {
        general: [(
            "claude-sonnet-5-5".to_owned(),
            vec!["claude-haiku-5-5".to_owned()],
        )]
        .into(),
        ..Fallbacks::default()
    };
    let changes = Changes {
        fallbacks: Some(fallbacks),
        ..Changes::default()
    };
    app.state.routes.save(changes, Some(1)).await.unwrap();
    browser.press("button[value=save]").await;
    let text = browser.text().await;
    assert!(
        text.contains("Another admin has saved meanwhile."),
        "{text}"
    );
    assert!(
        text.contains("yours is claude-sonnet-5-5-global → claude-sonnet-4-5"),
        "{text}"
    );
    browser.inspect("settings-conflict").await;
    browser.press("button[value=save]").await;
    assert!(browser.text().await.contains("version 3"));
}

/// A chat of an agent with a key that was made on the page.
async fn chat_of_agent(app: &TestApp, key: &str, body: &Value) -> StatusCode {
    let request = chat_with(app, key, body)
        .header("x-litellm-session-id", "s-1")
        .header("user-agent", "agent/1.0");
    let status = request.send().await.unwrap().status();
    app.settle().await;
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_used_seen_in_the_logs_blocked_and_deleted() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    app.with_a_month_of_use().await;
    run(async |browser| {
        sign_in(browser, &app).await;
        browser.press("nav a[href='/ui/keys']").await;
        browser.inspect("keys-none").await;
        browser.press("a[href='/ui/keys/new']").await;
        browser.inspect("key-new").await;
        browser.fill("#key_alias", "Maria's laptop").await;
        browser.fill("#max_budget", "much").await;
        browser.fill("#rpm_limit", "60").await;
        browser.press("main button.main").await;
        let text = browser.text().await;
        assert!(text.contains("must be an amount of US dollars"), "{text}");
        browser.inspect("key-wrong").await;
        browser.fill("#max_budget", "0.05").await;
        browser.fill("#budget_duration", "1d").await;
        browser.fill("#models", "primary, backup").await;
        browser.press("main button.main").await;
        browser.inspect("key-made").await;
        let key = browser
            .script("return document.getElementById('key').textContent")
            .await;
        let key = key.as_str().unwrap();
        let copies = "return document.querySelectorAll('button[data-copies]:not([hidden])').length";
        assert_eq!(browser.script(copies).await, 9);

        let mut prompt = hello("primary");
        prompt["max_tokens"] = json!(100);
        prompt["messages"] = json!([
            {"role": "system", "content": "You help.\n".repeat(300)},
            {"role": "user", "content": "What is in <main>?"},
        ]);
        app.bedrock.script(
            PRIMARY,
            [Step::throttle(), Step::text("A **heading** and text.")],
        );
        assert_eq!(chat_of_agent(&app, key, &prompt).await, StatusCode::OK);
        assert_eq!(chat_of_agent(&app, key, &prompt).await, StatusCode::OK);

        browser.press("nav a[href='/ui/logs']").await;
        let text = browser.text().await;
        assert!(
            text.contains("Maria's laptop") && text.contains("s-1"),
            "{text}"
        );
        browser.inspect("logs-of-agent").await;
        browser.press("tbody tr:first-child td a").await;
        let text = browser.text().await;
        assert!(
            text.contains("What is in <main>?") && text.contains("agent/1.0"),
            "{text}"
        );
        assert!(!text.contains("You help.\nYou help."), "folded: {text}");
        let unfold = "for (const d of document.querySelectorAll('details')) d.open = true";
        browser.inspect("log-stored").await;
        browser.script(unfold).await;
        assert!(browser.text().await.contains("You help.\nYou help."));
        browser.press("a[href^='/ui/logs/session']").await;
        assert!(browser.text().await.contains("Cache hit rate"));
        browser.inspect("session").await;
        browser
            .open(&format!("{}/ui/logs?period=30&status=failure", app.url))
            .await;
        browser.inspect("logs-filtered").await;
        browser.press("tbody tr:last-child td a").await;
        assert!(browser.text().await.contains("not this one's"));
        browser.inspect("log").await;

        browser.press("nav a[href='/ui/keys']").await;
        browser.inspect("keys").await;
        browser.press("tbody th a").await;
        browser.press("button[name=blocked]").await;
        assert!(browser.text().await.contains("The key is blocked."));
        browser.inspect("key").await;
        assert_eq!(
            chat_of_agent(&app, key, &prompt).await,
            StatusCode::UNAUTHORIZED
        );
        browser.press("a[href$='/delete']").await;
        browser.inspect("key-delete").await;
        browser.press("main button.danger").await;
        assert!(browser.text().await.contains("The key is deleted."));
        assert_eq!(browser.complaints().await, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_and_a_user_are_made_and_changed_and_their_pages_fit_every_screen() {
    let app = TestApp::new().await;
    run(async |browser| {
        sign_in(browser, &app).await;
        browser.press("nav a[href='/ui/teams']").await;
        browser.inspect("teams-none").await;
        browser.press("a[href='/ui/team/new']").await;
        browser.inspect("team-new").await;
        browser.fill("#team_id", "platform").await;
        browser
            .fill("#team_alias", "Platform and developer experience")
            .await;
        browser.fill("#max_budget", "plenty").await;
        browser.fill("#budget_duration", "1mo").await;
        browser.fill("#models", "primary, backup").await;
        browser.press("main button.main").await;
        let text = browser.text().await;
        assert!(text.contains("must be an amount of US dollars"), "{text}");
        browser.inspect("team-wrong").await;
        browser.fill("#max_budget", "500").await;
        browser.press("main button.main").await;
        assert!(browser.text().await.contains("No members yet."));
        browser.inspect("team-without-members").await;

        // One member whose user is made by that, with a name that has no place to break.
        let long = "maria.fernandez-villanueva@subsidiary.example.com";
        for (user, budget) in [(long, "20"), ("jo", "5")] {
            browser.fill("#member-user_id", user).await;
            browser.fill("#member-max_budget_in_team", budget).await;
            browser.press("button[value=add]").await;
        }
        let settings = json!({"team_id": "platform", "user_id": long, "key_alias": "laptop"});
        let key = made(&app, settings).await;
        let key = key["key"].as_str().unwrap().to_owned();
        let asked = chat_with(&app, &key, &hello("primary")).send().await;
        assert_eq!(asked.unwrap().status(), StatusCode::OK);
        app.settle().await;
        browser
            .open(&format!("{}/ui/team?id=platform", app.url))
            .await;
        let text = browser.text().await;
        assert!(
            text.contains(long) && text.contains("laptop") && text.contains("of $20.00"),
            "{text}"
        );
        browser.inspect("team").await;
        browser.press("#members tbody tr:last-child a.button").await;
        assert!(browser.text().await.contains("Change a member"));
        browser.fill("#member-max_budget_in_team", "-3").await;
        browser.press("button[value=change]").await;
        assert_eq!(
            browser
                .script("return document.querySelectorAll('[aria-invalid=true]').length")
                .await,
            1
        );
        browser.inspect("team-member-wrong").await;
        browser.fill("#member-max_budget_in_team", "30").await;
        browser.press("button[value=change]").await;
        assert!(browser.text().await.contains("of $30.00"));

        browser.press("#members tbody tr:first-child th a").await;
        assert!(browser.address().await.contains("/ui/user?id="));
        browser.fill("#user_alias", "Jo").await;
        browser.fill("#rpm_limit", "60").await;
        browser.press("main button.main").await;
        browser.inspect("user").await;
        browser.open(&format!("{}/ui/user/new", app.url)).await;
        browser.inspect("user-new").await;
        browser.fill("#user_id", "jo").await;
        browser.press("main button.main").await;
        let invalid = "return document.querySelectorAll('[aria-invalid=true]').length";
        assert_eq!(browser.script(invalid).await, 1, "there is one");
        browser.inspect("user-wrong").await;

        browser
            .open(&format!("{}/ui/team?id=platform", app.url))
            .await;
        browser.press("a[href^='/ui/team/delete']").await;
        browser.inspect("team-delete").await;
        browser.press("main button.danger").await;
        assert!(browser.text().await.contains("No teams yet."));
        assert_eq!(browser.complaints().await, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_are_used_with_a_keyboard_and_show_times_where_the_reader_is() {
    let app = TestApp::new().await;
    app.bedrock.script(
        crate::support::PRIMARY,
        [Step::throttle().retry_after("50")],
    );
    app.chat(&hello("primary")).await;
    run(async |browser| {
        browser.open(&format!("{}/ui/login", app.url)).await;
        // The field for the user has the focus.
        browser.keys(&format!("admin{TAB}{KEY}{ENTER}")).await;
        for _ in 0..100 {
            if browser.address().await.ends_with("/ui") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let body = "document.body.focus(); return document.activeElement.className";
        browser.script(body).await;
        browser.keys(TAB).await;
        let first = browser
            .script("return document.activeElement.className")
            .await;
        assert_eq!(first, "skip");
        let time = browser
            .script("const t = document.querySelector('time'); return [t.textContent, t.title]")
            .await;
        assert!(time[1].as_str().unwrap().ends_with(" UTC"), "{time}");
        assert_ne!(time[0], time[1], "in the words of the reader's language");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_becomes_markup_and_a_script_in_the_page_does_not_run() {
    let name = "<img src=x onerror=document.title='gone'>";
    let yaml = format!(
        "model_list:
  - {{model_name: \"{name}\", litellm_params: {{model: bedrock/us.amazon.nova-pro-v1:0}}}}
  - {{model_name: b, litellm_params: {{model: bedrock/us.amazon.nova-lite-v1:0}}}}
litellm_settings: {{fallbacks: [{{b: [\"{name}\"]}}]}}
"
    );
    let settings = "general_settings: {store_prompts_in_spend_logs: true}\n";
    let app = TestApp::builder()
        .config(&yaml)
        .settings(settings)
        .start()
        .await;
    app.with_a_month_of_use().await;
    let settings = json!({"key_alias": name, "models": [name], "user_id": name, "tags": [name], "max_budget": 5});
    let made = made(&app, settings).await;
    app.bedrock.script(
        "us.amazon.nova-pro-v1:0",
        [Step::text(name), validation_error(name)],
    );
    let mut body = hello(name);
    body["user"] = json!(name);
    body["messages"][0]["content"] = json!(name);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = chat_with(&app, made["key"].as_str().unwrap(), &body)
            .header("user-agent", name)
            .header("x-litellm-session-id", name);
        let response = request.send().await.unwrap();
        ids.push(
            response.headers()["x-sidecar-request-id"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    app.settle().await;
    let session = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
    let pages = [
        "models".to_owned(),
        "settings".to_owned(),
        String::new(),
        "usage".to_owned(),
        "usage?split=key".to_owned(),
        "usage?split=user".to_owned(),
        "usage?split=tag".to_owned(),
        "sessions".to_owned(),
        "playground".to_owned(),
        "logs".to_owned(),
        format!("logs?user={session}&id={session}"),
        format!("logs/{}", ids[0]),
        format!("logs/{}", ids[1]),
        format!("logs/session?session={session}"),
        "keys".to_owned(),
        format!("keys/{}", made["token"].as_str().unwrap()),
        format!("keys/{}/delete", made["token"].as_str().unwrap()),
    ];
    run(async |browser| {
        sign_in(browser, &app).await;
        for page in &pages {
            let address = format!("{}/ui/{page}", app.url);
            browser.open(address.trim_end_matches('/')).await;
            let title = browser.script("return document.title").await;
            assert_ne!(title, "gone", "{page}");
            assert_eq!(browser.script("return document.querySelectorAll('main img, main i').length").await, 0);
            assert!(browser.script("return document.querySelector('h1') !== null").await.as_bool().unwrap());
            assert_eq!(browser.complaints().await, [""; 0], "{page}");
        }
        // The policy holds where escaping would fail, and the watch sees it.
        let inject = "document.querySelector('main').innerHTML = \"<img src=x onerror=\\\"document.title='gone'\\\">\"";
        browser.script(inject).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_ne!(browser.script("return document.title").await, "gone");
        let complaints = browser.complaints().await;
        assert!(complaints.iter().any(|one| one.contains("Content Security Policy")), "{complaints:?}");
    })
    .await;
}
