//! The Playground of people: under their own names, within what they may use and spend.

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::json;

use super::browser::Browser;
use super::gateway;
use crate::support::identity_provider::IdentityProvider;
use crate::support::keys::key;
use crate::support::{BACKUP, PRIMARY, TestApp};

const SIGN_IN: &str = "        sign_in: {client_id: pages}\n        claims: {teams: groups, models: models}\n        \
                       default_team: guests\n        roles: {admin: {groups: admins}}\n  \
                       teams: [{team_id: tools, max_budget: 5}, {team_id: guests}]\n  \
                       apply_user_budget_to_team_keys: true\n";
const PAGE: &str = "/ui/playground";

async fn person(app: &TestApp, provider: &IdentityProvider, sub: &str, group: &str) -> Browser {
    provider.person(
        json!({"sub": sub, "email": format!("{sub}@example.com"), "groups": [group],
        "models": ["primary"]}),
    );
    let mut browser = Browser::new(app);
    assert_eq!(browser.sign_in().await.status(), 200);
    browser
}

/// What the page says to a question.
async fn ask(browser: &mut Browser, model: &str) -> (StatusCode, String) {
    let form = [("model", model), ("message", "Hello")];
    let response = browser.submit(PAGE, PAGE, &form).await;
    (response.status(), response.text().await.unwrap())
}

/// Sets the budget of a user.
async fn bind(app: &TestApp, user: &str, max: f64) {
    let body = json!({"user_id": user, "max_budget": max});
    let response = app.post("/user/update", &body).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_member_asks_under_the_member_s_own_name_and_nobody_else_sees_it() {
    let (app, provider) = gateway(SIGN_IN).await;
    app.bedrock.script(PRIMARY, [Step::text("Hello, Maria")]);
    let mut maria = person(&app, &provider, "maria", "tools").await;
    let home = maria.page("/ui/me").await;
    for page in [PAGE, "/ui/docs"] {
        assert!(home.contains(&format!("href=\"{page}\"")), "{page}: {home}");
        maria.page(page).await;
    }
    let form = maria.page(PAGE).await;
    assert!(
        form.contains("<option>primary") && !form.contains("<option>backup"),
        "what the member may use, and no more: {form}"
    );
    assert!(form.contains("<b>maria@example.com</b>"), "{form}");

    let (status, page) = ask(&mut maria, "primary").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<p>Hello, Maria</p>"), "{page}");
    assert!(
        !page.contains("href=\"/ui/logs/"),
        "members have no page of records: {page}"
    );
    app.settle().await;
    let logs = app.get_json("/spend/logs?summarize=false").await;
    let record = &logs[0];
    assert_eq!(record["user"], "maria", "{record}");
    assert_eq!(record["team_id"], "tools");
    assert_eq!(record["request_tags"], json!(["playground"]));
    let id = record["request_id"].as_str().unwrap();
    assert!(maria.page("/ui/me").await.contains(id));
    assert_eq!(
        maria.get(&format!("/ui/logs/{id}")).await.status(),
        StatusCode::SEE_OTHER
    );

    let mut mario = person(&app, &provider, "mario", "tools").await;
    assert!(!mario.page("/ui/me").await.contains(id));
    assert!(!mario.page(PAGE).await.contains(id));
    for path in ["/ui/logs", &format!("/ui/logs/{id}"), "/ui/sessions"] {
        assert_eq!(mario.get(path).await.status(), StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_model_that_a_member_may_not_use_is_not_asked() {
    let (app, provider) = gateway(SIGN_IN).await;
    let mut maria = person(&app, &provider, "maria", "tools").await;
    let (status, page) = ask(&mut maria, "backup").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("You may not use backup."), "{page}");
    let stream = format!("{PAGE}/stream");
    let form = [("model", "backup"), ("message", "Hello")];
    let streamed = maria.submit(PAGE, &stream, &form).await;
    assert_eq!(streamed.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let forged = maria.post(PAGE, &form).await;
    assert_eq!(
        forged.status(),
        StatusCode::FORBIDDEN,
        "without the page's token"
    );
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn a_person_s_budget_binds_what_the_person_asks_member_or_admin() {
    let (app, provider) = gateway(SIGN_IN).await;
    for (name, group) in [("maria", "tools"), ("ada", "admins")] {
        let mut browser = person(&app, &provider, name, group).await;
        app.bedrock.script(PRIMARY, [Step::text("Hello")]);
        let (_, page) = ask(&mut browser, "primary").await;
        assert!(page.contains("<p>Hello</p>"), "{name}: {page}");
        let asked = app.bedrock.requests_for(PRIMARY).len();

        bind(&app, name, 0.000_001).await;
        let (status, page) = ask(&mut browser, "primary").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("422 budget_exceeded") && page.contains(name),
            "{name}: {page}"
        );
        let stream = format!("{PAGE}/stream");
        let form = [("model", "primary"), ("message", "Hello")];
        let streamed = browser.submit(PAGE, &stream, &form).await;
        let streamed = streamed.text().await.unwrap();
        assert!(streamed.contains("budget_exceeded"), "{name}: {streamed}");
        assert_eq!(app.bedrock.requests_for(PRIMARY).len(), asked, "{name}");
    }
}

#[tokio::test]
async fn who_is_blocked_meanwhile_asks_nothing() {
    let (app, provider) = gateway(SIGN_IN).await;
    let mut maria = person(&app, &provider, "maria", "tools").await;
    let form = maria.page(PAGE).await;
    let token = crate::admin::token(&form);
    let body = json!({"user_id": "maria", "blocked": true});
    let blocked = app.post("/user/update", &body).send().await.unwrap();
    assert_eq!(blocked.status(), 200);
    let form = [
        ("model", "primary"),
        ("message", "Hello"),
        ("csrf", token.as_str()),
    ];
    let response = maria.post(PAGE, &form).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "to the login");
    assert!(app.bedrock.requests_for(PRIMARY).is_empty());
}

#[tokio::test]
async fn whoever_has_a_key_asks_with_that_key() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::text("Hello")]);
    let settings =
        json!({"key_alias": "agent", "models": ["primary"], "max_budget": 0.05, "tags": ["job"]});
    let own = key(&app, settings).await;
    let mut browser = Browser::new(&app);
    let entered = browser.post("/ui/login/key", &[("key", &own)]).await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let (_, page) = ask(&mut browser, "primary").await;
    assert!(
        page.contains("<p>Hello</p>") && page.contains("<b>agent</b>"),
        "{page}"
    );
    app.settle().await;
    let logs = app.get_json("/spend/logs?summarize=false").await;
    assert_eq!(logs[0]["request_tags"], json!(["job", "playground"]));

    let body = json!({"key": own, "max_budget": 0.000_001});
    app.post("/key/update", &body).send().await.unwrap();
    let (_, page) = ask(&mut browser, "primary").await;
    assert!(page.contains("422 budget_exceeded"), "{page}");
    assert_eq!(app.bedrock.requests_for(PRIMARY).len(), 1);
}
