//! What is somebody's own: the page of members, and of whoever has a key.

use reqwest::StatusCode;
use serde_json::json;

use super::browser::Browser;
use super::gateway;
use crate::support::identity_provider::IdentityProvider;
use crate::support::keys::{chat_as, key, sha256};
use crate::support::{KEY, TestApp, hello};

const SIGN_IN: &str = "        sign_in: {client_id: pages}\n        claims: {teams: groups, models: models}\n        \
                       default_team: guests\n    key_max_duration: 7d\n  \
                       teams: [{team_id: tools, max_budget: 5}, {team_id: guests}]\n";

async fn member(app: &TestApp, provider: &IdentityProvider, sub: &str) -> Browser {
    provider.person(
        json!({"sub": sub, "email": format!("{sub}@example.com"), "groups": ["tools"],
        "models": ["primary"]}),
    );
    let mut browser = Browser::new(app);
    assert_eq!(browser.sign_in().await.status(), 200);
    browser
}

/// The key that stands on a page.
fn key_on(page: &str) -> String {
    let at = page.find("sk-").expect("a key");
    page[at..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

#[tokio::test]
async fn a_member_makes_a_key_that_ends_and_may_do_what_the_member_may() {
    let (app, provider) = gateway(SIGN_IN).await;
    let mut maria = member(&app, &provider, "maria").await;
    let page = maria.page("/ui/me").await;
    assert!(
        page.contains("maria@example.com") && page.contains("of $5.00"),
        "{page}"
    );
    assert!(
        !page.contains("href=\"/ui/models\""),
        "no way to the pages of admins"
    );

    let long = maria
        .submit("/ui/me", "/ui/me/keys", &[("duration", "8d")])
        .await;
    assert_eq!(long.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.text().await.unwrap().contains("at most 7d"));
    let made = maria
        .submit(
            "/ui/me",
            "/ui/me/keys",
            &[("alias", "laptop"), ("duration", "12h")],
        )
        .await;
    let made = made.text().await.unwrap();
    for program in [
        "Claude Code",
        "Codex",
        "Cline",
        "opencode",
        "aider",
        "curl",
        "Python",
        "Node",
    ] {
        assert!(made.contains(program), "{program}");
    }
    let own = key_on(&made);
    assert!(made.contains(&format!("{}/v1", app.url)), "{made}");
    assert!(!maria.page("/ui/me").await.contains(&own), "shown once");

    let info = app.get_json(&format!("/key/info?key={own}")).await;
    app.settle().await;
    let log = app.get_json("/audit").await;
    let made = &log["audit_logs"][0];
    assert_eq!(made["changed_by"], "maria@example.com");
    assert!(
        made["object_id"].to_string().contains(&sha256(&own)),
        "{made}"
    );
    assert_eq!(info["info"]["user_id"], "maria");
    assert_eq!(info["info"]["team_id"], "tools");
    assert_eq!(info["info"]["models"], json!(["primary"]));
    let reply = chat_as(&app, &own, &hello("primary")).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(chat_as(&app, &own, &hello("last")).await.status(), 403);
    app.settle().await;
    let page = maria.page("/ui/me").await;
    assert!(
        page.contains("laptop") && page.contains("chatcmpl-"),
        "{page}"
    );

    // Another member sees nothing of it, and cannot delete it.
    let mut mario = member(&app, &provider, "mario").await;
    let page = mario.page("/ui/me").await;
    assert!(
        !page.contains("laptop") && !page.contains("chatcmpl-"),
        "{page}"
    );
    let path = format!("/ui/me/keys/{}/delete", sha256(&own));
    assert_eq!(mario.submit("/ui/me", &path, &[]).await.status(), 404);
    assert_eq!(
        maria.post(&path, &[]).await.status(),
        403,
        "without the page's token"
    );
    assert_eq!(chat_as(&app, &own, &hello("primary")).await.status(), 200);
    assert_eq!(maria.submit("/ui/me", &path, &[]).await.status(), 303);
    assert_eq!(chat_as(&app, &own, &hello("primary")).await.status(), 401);
}

#[tokio::test]
async fn whoever_only_has_a_key_sees_what_that_key_may_and_has_spent() {
    let app = TestApp::new().await;
    let own = key(
        &app,
        json!({"key_alias": "agent", "max_budget": 3, "user_id": "maria"}),
    )
    .await;
    let other = key(&app, json!({"key_alias": "other", "user_id": "maria"})).await;
    assert_eq!(chat_as(&app, &own, &hello("primary")).await.status(), 200);
    app.settle().await;

    let mut browser = Browser::new(&app);
    for wrong in ["sk-wrong-key-of-nobody", KEY, "", "x"] {
        assert_eq!(
            browser
                .post("/ui/login/key", &[("key", wrong)])
                .await
                .status(),
            401,
            "{wrong}"
        );
    }
    let entered = browser.post("/ui/login/key", &[("key", &own)]).await;
    assert_eq!(entered.status(), 303);
    let page = browser.page("/ui/me").await;
    assert!(
        page.contains("agent") && page.contains("of $3.00") && page.contains("chatcmpl-"),
        "{page}"
    );
    assert!(
        !page.contains("other"),
        "the keys of others are not this key's business: {page}"
    );
    assert_eq!(browser.get("/ui/models").await.status(), 303);
    assert_eq!(
        browser.submit("/ui/me", "/ui/me/keys", &[]).await.status(),
        403
    );
    let path = format!("/ui/me/keys/{}/delete", sha256(&other));
    assert_eq!(browser.submit("/ui/me", &path, &[]).await.status(), 403);

    let blocked = json!({"key": own});
    assert_eq!(
        app.post("/key/block", &blocked)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        browser.get("/ui/me").await.status(),
        303,
        "a blocked key opens nothing"
    );
}
