//! The audit log: who changed what, and who read what was stored.

use std::time::Duration;

use serde_json::{Value, json};

use super::browser::Browser;
use super::gateway;
use crate::support::keys::{made, sha256};
use crate::support::{KEY, TestApp};

async fn entries(app: &TestApp) -> Vec<Value> {
    app.settle().await;
    let page = app.get_json("/audit").await;
    page["audit_logs"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_change_by_the_api_is_noted_with_who_and_what_and_never_a_key() {
    let app = TestApp::new().await;
    let made = made(
        &app,
        json!({"key_alias": "agent", "max_budget": 5, "models": ["primary"]}),
    )
    .await;
    let key = made["key"].as_str().unwrap().to_owned();
    let hash = sha256(&key);
    for (path, body) in [
        ("/key/update", json!({"key": key, "max_budget": 7})),
        ("/key/block", json!({"key": hash})),
        ("/team/new", json!({"team_id": "tools", "max_budget": 50})),
        (
            "/user/new",
            json!({"user_id": "maria", "auto_create_key": false}),
        ),
        ("/key/delete", json!({"keys": [key]})),
    ] {
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(
            app.post(path, &body).send().await.unwrap().status(),
            200,
            "{path}"
        );
        app.settle().await;
    }
    // What was refused has changed nothing.
    app.post("/key/update", &json!({"key": key, "max_budget": 9}))
        .send()
        .await
        .unwrap();
    let refused = app
        .http
        .post(format!("{}/key/generate", app.url))
        .json(&json!({"max_budget": 99}));
    assert_eq!(refused.send().await.unwrap().status(), 401);

    let log = entries(&app).await;
    let actions: Vec<_> = log
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "POST /key/delete",
            "POST /user/new",
            "POST /team/new",
            "POST /key/block",
            "POST /key/update",
            "POST /key/generate"
        ]
    );
    let of = |n: usize, field: &str| log[n][field].as_str().unwrap().to_owned();
    assert!(of(5, "object_id").contains(&hash), "{}", log[5]);
    assert!(
        of(5, "updated_values").contains("max_budget=5"),
        "{}",
        log[5]
    );
    assert_eq!(of(4, "object_id"), format!("key={hash}"));
    assert_eq!(of(4, "updated_values"), "max_budget=7");
    assert!(of(2, "object_id").contains("team_id=tools"), "{}", log[2]);
    for entry in &log {
        assert_eq!(entry["changed_by"], "litellm_proxy_master_key");
        assert_eq!(entry["changed_by_api_key"], sha256(KEY));
        assert!(!entry.to_string().contains(&key), "{entry}");
    }
    let own = app
        .http
        .get(format!("{}/audit", app.url))
        .bearer_auth("sk-nobody-at-all-0000");
    assert_eq!(own.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_log_is_read_page_by_page_across_months() {
    let clock = crate::support::TestClock::at("2026-12-30T12:00:00Z".parse().unwrap());
    let app = TestApp::builder().clock(clock).start().await;
    for n in 0..7 {
        let body = json!({"team_id": format!("t{n}")});
        assert_eq!(
            app.post("/team/new", &body).send().await.unwrap().status(),
            200
        );
        app.settle().await;
        app.clock.advance(Duration::from_secs(86_400));
    }
    let mut found = Vec::new();
    let mut path = "/audit?page_size=3".to_owned();
    loop {
        let page = app.get_json(&path).await;
        let logs = page["audit_logs"].as_array().unwrap();
        assert!(logs.len() <= 3);
        found.extend(
            logs.iter()
                .map(|entry| entry["object_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        let cursor: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        path = format!("/audit?page_size=3&cursor={cursor}");
    }
    let expected: Vec<_> = (0..7).rev().map(|n| format!("team_id=t{n}")).collect();
    assert_eq!(found, expected);
    let wrong = app.get_json("/audit?page_size=2&cursor=nonsense").await;
    assert_eq!(wrong["audit_logs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_done_on_the_pages_is_noted_and_shown_there() {
    let (app, provider) = gateway(
        "        sign_in: {client_id: pages}\n        roles: {admin: {groups: admins}}\n  \
         store_prompts_in_spend_logs: true\n",
    )
    .await;
    provider.person(json!({"sub": "maria", "email": "maria@example.com", "groups": ["admins"]}));
    let key = made(&app, json!({"key_alias": "agent"})).await;
    let hash = key["token"].as_str().unwrap();
    let body = json!({"model": "primary", "messages": [{"role": "user", "content": "hi"}]});
    let reply = app.chat_json(&body).await;
    let id = reply["id"].as_str().unwrap();
    app.settle().await;

    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    let block = format!("/ui/keys/{hash}/block");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(
        browser
            .submit("/ui/models", &block, &[("blocked", "yes")])
            .await
            .status(),
        303
    );
    app.settle().await;
    app.clock.advance(Duration::from_secs(1));
    browser.page(&format!("/ui/logs/{id}")).await;
    app.settle().await;
    let log = entries(&app).await;
    assert_eq!(log[0]["action"], "read");
    assert_eq!(log[0]["object_id"], format!("request={id}"));
    assert_eq!(log[1]["action"], format!("POST {block}"));
    assert_eq!(log[1]["updated_values"], "blocked=yes");
    for entry in &log[..2] {
        assert_eq!(entry["changed_by"], "maria@example.com");
    }
    let page = browser.page("/ui/audit").await;
    assert!(
        page.contains(&block) && page.contains("maria@example.com"),
        "{page}"
    );
    // By the API it is the same.
    app.clock.advance(Duration::from_secs(1));
    app.get_json(&format!("/spend/logs/ui/{id}")).await;
    assert_eq!(entries(&app).await[0]["action"], "read");
}

#[tokio::test]
async fn a_change_of_a_team_a_member_or_a_user_on_its_page_is_noted_with_who_and_what() {
    let (app, provider) =
        gateway("        sign_in: {client_id: pages}\n        roles: {admin: {groups: admins}}\n")
            .await;
    provider.person(json!({"sub": "maria", "email": "maria@example.com", "groups": ["admins"]}));
    let mut browser = Browser::new(&app);
    browser.sign_in().await;
    type Row<'r> = (
        &'r str,
        &'r str,
        &'r [(&'r str, &'r str)],
        &'r [&'r str],
        &'r [&'r str],
    );
    // The page, where its form goes, what is typed, what it is about, and what is changed.
    let rows: [Row; 9] = [
        (
            "/ui/team/new",
            "/ui/team/new",
            &[("team_id", "tools"), ("max_budget", "50")],
            &["team_id=tools"],
            &["max_budget=50"],
        ),
        (
            "/ui/team?id=tools",
            "/ui/team?id=tools",
            &[
                ("max_budget", "70"),
                ("was-max_budget", "50"),
                ("rpm_limit", ""),
                ("was-rpm_limit", ""),
            ],
            &["id=tools"],
            &["max_budget=70"],
        ),
        (
            "/ui/team?id=tools",
            "/ui/team/member",
            &[
                ("team", "tools"),
                ("do", "add"),
                ("user_id", "jo"),
                ("max_budget_in_team", "5"),
            ],
            &["team=tools", "user_id=jo"],
            &["do=add", "max_budget_in_team=5"],
        ),
        (
            "/ui/team?id=tools",
            "/ui/team/member",
            &[
                ("team", "tools"),
                ("do", "change"),
                ("user_id", "jo"),
                ("was-user_id", "jo"),
                ("role", "admin"),
                ("was-role", "user"),
            ],
            &["team=tools", "user_id=jo"],
            &["do=change", "role=admin"],
        ),
        (
            "/ui/user/new",
            "/ui/user/new",
            &[("user_id", "kim"), ("user_email", "kim@example.com")],
            &["user_id=kim"],
            &["user_email=kim@example.com"],
        ),
        (
            "/ui/user?id=kim",
            "/ui/user?id=kim",
            &[
                ("rpm_limit", ""),
                ("was-rpm_limit", "5"),
                ("max_budget", "9"),
                ("was-max_budget", ""),
            ],
            &["id=kim"],
            &["rpm_limit=", "max_budget=9"],
        ),
        (
            "/ui/teams",
            "/ui/teams",
            &[("kind", "user"), ("id", "kim"), ("blocked", "yes")],
            &["kind=user", "id=kim"],
            &["blocked=yes"],
        ),
        (
            "/ui/team?id=tools",
            "/ui/team/member",
            &[("team", "tools"), ("do", "remove"), ("user_id", "jo")],
            &["team=tools", "user_id=jo"],
            &["do=remove"],
        ),
        (
            "/ui/team/delete?id=tools",
            "/ui/team/delete?id=tools",
            &[],
            &["id=tools"],
            &[],
        ),
    ];
    for (page, path, form, target, changes) in rows {
        app.clock.advance(Duration::from_secs(1));
        let response = browser.submit(page, path, form).await;
        let status = response.status();
        assert_eq!(status, 303, "{path}: {}", response.text().await.unwrap());
        let log = entries(&app).await;
        let newest = &log[0];
        let of = |field: &str| newest[field].as_str().unwrap().to_owned();
        let bare = path.split('?').next().unwrap();
        assert_eq!(of("action"), format!("POST {bare}"), "{newest}");
        assert_eq!(of("changed_by"), "maria@example.com");
        let words = |text: &str| {
            text.split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&of("object_id")), target, "{newest}");
        assert_eq!(words(&of("updated_values")), changes, "{newest}");
    }
    // An id that nobody has typed.
    app.clock.advance(Duration::from_secs(1));
    let alias = [("team_id", ""), ("team_alias", "apps")];
    let response = browser.submit("/ui/team/new", "/ui/team/new", &alias).await;
    let path = response.headers()["location"].to_str().unwrap().to_owned();
    let made = entries(&app).await.remove(0);
    let target = made["object_id"].as_str().unwrap();
    let id = target.strip_prefix("team_id=").unwrap();
    assert!(
        path.starts_with(&format!("/ui/team?id={id}")),
        "{path} {made}"
    );
    // What was refused has changed nothing, and is not noted.
    let before = entries(&app).await.len();
    let wrong = [("user_id", "lee"), ("max_budget", "-1")];
    let response = browser.submit("/ui/user/new", "/ui/user/new", &wrong).await;
    assert_eq!(response.status(), 422);
    assert_eq!(entries(&app).await.len(), before);
    let page = browser.page("/ui/audit").await;
    assert!(
        page.contains("/ui/team/member") && page.contains("kim"),
        "{page}"
    );
}
