//! How long a session lasts, and what ends it.

use bedrock_sidecar::keys::{Login, MasterKey};
use bedrock_sidecar::store::{Item, keys};
use jiff::{Timestamp, ToSpan};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Visitor, token};
use crate::support::keys::sha256;
use crate::support::{KEY, TestApp, header};

fn key(key: &str) -> MasterKey {
    MasterKey::new(Some(key), None, false).unwrap()
}

fn maria(password: &str) -> Login {
    Login::new(Some("maria"), Some(password))
}

/// Whether the cookie of this visitor opens the pages of that gateway.
async fn is_in(visitor: &Visitor, app: &TestApp) -> bool {
    let mut there = Visitor::new(app);
    there.cookie = visitor.cookie.clone();
    match there.get("/ui/models").await.status() {
        StatusCode::OK => true,
        StatusCode::SEE_OTHER => false,
        status => panic!("{status}"),
    }
}

/// What the table has of a visitor's session.
async fn stored(app: &TestApp, visitor: &Visitor) -> Value {
    let (_, id) = visitor.cookie.as_ref().unwrap().split_once('=').unwrap();
    let table = app.state.ledger.table();
    table
        .get(&keys::session(&sha256(id)))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_session_ends_everywhere_when_the_user_the_password_or_the_master_key_changes() {
    let first = TestApp::new().await;
    let app = first.another().login(maria("secret")).start().await;
    let mut visitor = Visitor::new(&app);
    visitor.sign_in("maria", "secret").await;
    let by_hash = MasterKey::new(None, Some(&sha256(KEY)), false).unwrap();
    for same in [key(KEY), by_hash] {
        let same = app
            .another()
            .master_key(same)
            .login(maria("secret"))
            .start()
            .await;
        assert!(is_in(&visitor, &same).await);
    }
    let changed = [
        (key(KEY), maria("another")),
        (key("sk-another"), maria("secret")),
        (key(KEY), Login::new(Some("mario"), Some("secret"))),
        (key(KEY), Login::new(Some("maria"), None)),
        (key(KEY), Login::default()),
        (MasterKey::new(None, None, true).unwrap(), maria("secret")),
    ];
    for (number, (key, login)) in changed.into_iter().enumerate() {
        let changed = app.another().master_key(key).login(login).start().await;
        assert!(!is_in(&visitor, &changed).await, "{number}");
    }
    // Those who have not changed yet still know it.
    assert!(is_in(&visitor, &app).await);
}

#[tokio::test]
async fn a_new_master_key_ends_the_sessions_that_were_opened_with_the_old_one() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let new = app.another().master_key(key("sk-new")).start().await;
    assert!(!is_in(&visitor, &new).await);
    let mut again = Visitor::new(&new);
    again.sign_in("admin", "sk-new").await;
    assert!(is_in(&again, &new).await);
    assert!(!is_in(&again, &app).await);
}

#[tokio::test]
async fn a_session_that_version_0_1_made_is_none() {
    let app = TestApp::new().await;
    let until = Timestamp::now() + 1.hour();
    let item = Item::new(
        &keys::session(&sha256("old")),
        &json!({"csrf": "c", "until": until}),
    );
    let table = app.state.ledger.table();
    table.put(item.unwrap().expires(until)).await.unwrap();
    let mut visitor = Visitor::new(&app);
    visitor.cookie = Some("sidecar_session=old".to_owned());
    assert!(!is_in(&visitor, &app).await);
}

#[tokio::test]
async fn the_table_says_nothing_of_a_password_against_which_one_could_be_tried() {
    let first = TestApp::new().await;
    let app = first.another().login(maria("secret")).start().await;
    let (mut one, mut other) = (Visitor::new(&app), Visitor::new(&app));
    one.sign_in("maria", "secret").await;
    other.sign_in("maria", "secret").await;
    let (one, other) = (stored(&app, &one).await, stored(&app, &other).await);
    // Under a secret that is not in the table: the same password leaves different traces.
    assert_ne!(one["login"], other["login"]);
    for known in ["secret", "maria", KEY] {
        assert!(!one.to_string().contains(&sha256(known)), "{known}: {one}");
    }
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_on_every_instance() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let one = Visitor::signed_in(&app).await;
    let two = Visitor::signed_in(&other).await;
    for path in ["models", "usage", "logs", "keys", "settings"] {
        let page = one.page(&format!("/ui/{path}")).await;
        assert!(page.contains("action=\"/ui/logout/everywhere\""), "{path}");
        assert!(page.contains("Sign out everywhere"), "{path}");
    }

    // A form as all others: not without its token, not from another site, not by a link.
    let csrf = token(&one.page("/ui/models").await);
    let foreign = [("sec-fetch-site", "cross-site")];
    let path = "/ui/logout/everywhere";
    for response in [
        one.post(path, &[]).await,
        one.post_with(path, &[("csrf", &csrf)], &foreign).await,
    ] {
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    let link = one.get(path).await;
    assert_eq!(link.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(is_in(&one, &other).await && is_in(&two, &app).await);

    let response = one.submit(path, &[]).await;
    assert_eq!(header(&response, "location"), "/ui/login");
    assert!(header(&response, "set-cookie").contains("Max-Age=0"));
    for (visitor, app) in [(&one, &app), (&one, &other), (&two, &app), (&two, &other)] {
        assert!(!is_in(visitor, app).await);
    }
    // Whoever is signed out can sign nobody out.
    let closed = two.post(path, &[("csrf", &csrf)]).await;
    assert_eq!(header(&closed, "location"), "/ui/login");
    let again = Visitor::signed_in(&app).await;
    assert!(is_in(&again, &other).await);
}
