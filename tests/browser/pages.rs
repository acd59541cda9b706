//! From signing in to signing out.

use std::time::Duration;

use bedrock_sidecar::config::{Changes, Fallbacks};
use bedrock_sidecar::shell::simulated::Step;

use super::{Browser, run};
use crate::support::{KEY, TestApp, hello};

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
    assert!(browser.address().await.ends_with("/ui/models"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_works_from_signing_in_to_signing_out() {
    let app = TestApp::with_config(&yaml()).await;
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
            text.contains("cooling down") && text.contains("healthy"),
            "{text}"
        );
        browser.inspect("models").await;
        browser
            .press("section:nth-of-type(2) .deployment button")
            .await;
        assert!(browser.text().await.contains("It works"));
        browser.inspect("models-test").await;
        browser.open(&format!("{}/ui/models", app.url)).await;
        browser
            .press("section:nth-of-type(2) button[name=fallback]")
            .await;
        assert!(browser.text().await.contains("mocked"));
        browser.inspect("models-fallback").await;

        browser.press("nav a[href='/ui/usage']").await;
        assert!(browser.text().await.contains("Cache hit rate"));
        browser.inspect("usage").await;
        browser.press("a[href='/ui/usage?period=today']").await;
        browser.inspect("usage-today").await;

        browser.press("nav a[href='/ui/settings']").await;
        browser.inspect("settings").await;
        edit_and_save(browser, &app).await;

        browser.open(&format!("{}/ui/nothing", app.url)).await;
        browser.inspect("error").await;

        browser.open(&format!("{}/ui/models", app.url)).await;
        browser.press("header form button").await;
        assert!(browser.address().await.ends_with("/ui/login"));
        browser.open(&format!("{}/ui/usage", app.url)).await;
        assert!(browser.address().await.ends_with("/ui/login"));
        assert_eq!(browser.complaints().await, [""; 0]);
    })
    .await;
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
        text.contains("Somebody else has saved meanwhile."),
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
            if browser.address().await.ends_with("/ui/models") {
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
        assert!(!time[0].as_str().unwrap().ends_with(" UTC"), "{time}");
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
    let app = TestApp::with_config(&yaml).await;
    app.with_a_month_of_use().await;
    run(async |browser| {
        sign_in(browser, &app).await;
        for page in ["models", "settings", "usage"] {
            browser.open(&format!("{}/ui/{page}", app.url)).await;
            let title = browser.script("return document.title").await;
            assert_ne!(title, "gone", "{page}");
            assert_eq!(browser.script("return document.querySelectorAll('main img, main i').length").await, 0);
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
