//! Teams that are made, listed, blocked and deleted; and those of the file.

use std::time::Duration;

use serde_json::json;

use super::{asked, done, refusal, team};
use crate::support::keys::{key, made, send};
use crate::support::{CONFIG, TestApp};

#[tokio::test]
async fn a_blocked_or_deleted_team_s_keys_are_refused_at_once_here_and_within_a_minute_elsewhere() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let id = team(&app, json!({"team_alias": "tools"})).await;
    let key = key(&app, json!({"team_id": id})).await;
    for app in [&app, &other] {
        assert_eq!(asked(app, &key, "primary").await.0, 200);
    }
    done(&app, "/team/block", json!({"team_id": id})).await;
    let (status, _, message) = asked(&app, &key, "primary").await;
    assert_eq!(status, 401);
    assert_eq!(
        message,
        format!(
            "Authentication Error, Team={id} is blocked. Update via `/team/unblock` if you're an admin."
        )
    );
    assert_eq!(asked(&other, &key, "primary").await.0, 200);
    other.clock.advance(Duration::from_secs(11));
    // The first request after ten seconds may be served by the copy that it replaces.
    asked(&other, &key, "primary").await;
    assert_eq!(asked(&other, &key, "primary").await.0, 401);

    done(&app, "/team/unblock", json!({"team_id": id})).await;
    assert_eq!(asked(&app, &key, "primary").await.0, 200);
    let deleted = done(&app, "/team/delete", json!({"team_ids": [id]})).await;
    let note = deleted[0]["note"].as_str().unwrap();
    assert!(
        note.starts_with("1 keys of this team are refused from now on"),
        "{note}"
    );
    let (status, _, message) = asked(&app, &key, "primary").await;
    assert_eq!(status, 401);
    assert!(
        message.contains("was deleted, and its keys with it"),
        "{message}"
    );
    let (status, message) = refusal(app.post("/team/new", &json!({"team_id": id}))).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("belonged to a team that was deleted"),
        "{message}"
    );
    // Another team, or none, and the key is good again.
    done(&app, "/key/update", json!({"key": key, "team_id": null})).await;
    assert_eq!(asked(&app, &key, "primary").await.0, 200);
}

#[tokio::test]
async fn a_field_that_nothing_keeps_to_is_refused_and_so_is_a_team_that_there_is_none_of() {
    let app = TestApp::new().await;
    for (path, body, param) in [
        (
            "/team/new",
            json!({"organization_id": "o"}),
            "organization_id",
        ),
        ("/team/new", json!({"tpd_limit": 5}), "tpd_limit"),
        (
            "/team/new",
            json!({"budget_limits": [{"max_budget": 1}]}),
            "budget_limits",
        ),
        (
            "/team/new",
            json!({"team_member_permissions": ["/key/generate"]}),
            "team_member_permissions",
        ),
        ("/team/new", json!({"max_budget": -1}), "max_budget"),
        (
            "/team/new",
            json!({"temp_budget_increase": 1}),
            "temp_budget_expiry",
        ),
        ("/team/new", json!({"team_id": "x".repeat(201)}), "team_id"),
        (
            "/user/new",
            json!({"user_role": "proxy_admin"}),
            "user_role",
        ),
        ("/user/new", json!({"password": "secret"}), "password"),
        ("/user/new", json!({"sso_user_id": "a"}), "sso_user_id"),
        ("/key/generate", json!({"team_id": "nowhere"}), "team_id"),
    ] {
        let (status, answer) = send(app.post(path, &body)).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert_eq!(answer["error"]["param"], param, "{answer}");
    }
    for (path, body) in [
        (
            "/team/update",
            json!({"team_id": "nowhere", "max_budget": 1}),
        ),
        ("/team/delete", json!({"team_ids": ["nowhere"]})),
        (
            "/team/member_add",
            json!({"team_id": "nowhere", "member": {"user_id": "u"}}),
        ),
        ("/user/update", json!({"user_id": "nobody"})),
        ("/user/delete", json!({"user_ids": ["nobody"]})),
    ] {
        let (status, message) = refusal(app.post(path, &body)).await;
        assert_eq!(status, 404, "{path}: {message}");
        assert!(message.contains("not found"), "{message}");
    }
    let (status, _) = refusal(app.get("/team/info")).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn teams_are_listed_by_alias_and_page_by_page() {
    let app = TestApp::new().await;
    for (id, alias) in [("3", "amber"), ("1", "cedar"), ("2", "birch")] {
        team(&app, json!({"team_id": id, "team_alias": alias})).await;
    }
    done(
        &app,
        "/team/member_add",
        json!({"team_id": "1", "member": {"user_id": "u"}}),
    )
    .await;
    done(&app, "/team/delete", json!({"team_ids": ["2"]})).await;
    made(&app, json!({"team_id": "3", "key_alias": "k"})).await;
    let all = app.get_json("/team/list").await;
    let ids: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|team| &team["team_id"])
        .collect();
    assert_eq!(ids, ["3", "1"]);
    assert_eq!(all[0]["keys"][0]["key_alias"], "k");
    assert!(all[0]["keys"][0].get("token").is_none());
    assert_eq!(all[1]["team_memberships"][0]["user_id"], "u");
    for (query, ids, pages) in [
        ("", vec!["3", "1"], 1),
        ("?page_size=1", vec!["3"], 2),
        ("?page_size=1&page=2", vec!["1"], 2),
        ("?sort_by=team_id", vec!["1", "3"], 1),
        ("?sort_by=team_alias&sort_order=desc", vec!["1", "3"], 1),
        ("?team_alias=CED", vec!["1"], 1),
        ("?search=amb", vec!["3"], 1),
        ("?user_id=u", vec!["1"], 1),
        ("?status=deleted", vec!["2"], 1),
        ("?organization_id=o", vec![], 0),
    ] {
        let page = app.get_json(&format!("/v2/team/list{query}")).await;
        let found: Vec<_> = page["teams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|team| &team["team_id"])
            .collect();
        assert_eq!(found, ids, "{query}");
        assert_eq!(page["total_pages"], pages, "{query}: {page}");
    }
    let (status, _) = refusal(app.get("/v2/team/list?page_size=101")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_team_of_the_file_binds_its_keys_and_is_changed_there() {
    let yaml = format!(
        "{CONFIG}general_settings:\n  teams:\n    - {{team_id: apps, team_alias: Apps, models: [backup], max_budget: 20, budget_duration: 1mo}}\n"
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let key = key(&app, json!({"team_id": "apps"})).await;
    assert_eq!(asked(&app, &key, "backup").await.0, 200);
    assert_eq!(
        asked(&app, &key, "primary").await.1,
        "team_model_access_denied"
    );
    let info = app.get_json("/team/info?team_id=apps").await;
    assert_eq!(info["team_info"]["max_budget"], 20);
    for (path, body) in [
        ("/team/update", json!({"team_id": "apps", "max_budget": 30})),
        ("/team/block", json!({"team_id": "apps"})),
        ("/team/delete", json!({"team_ids": ["apps"]})),
        ("/team/new", json!({"team_id": "apps"})),
    ] {
        let (status, message) = refusal(app.post(path, &body)).await;
        assert_eq!(status, 409, "{path}: {message}");
        assert!(message.contains("general_settings.teams"), "{message}");
    }
    let listed = app.get_json("/v2/team/list").await;
    assert_eq!(listed["teams"][0]["team_alias"], "Apps");
}

#[tokio::test]
async fn what_a_team_calls_and_labels_is_so_for_its_keys() {
    let app = TestApp::new().await;
    let id = team(
        &app,
        json!({"model_aliases": {"gpt-4": "backup"}, "tags": ["blue"]}),
    )
    .await;
    let key = key(&app, json!({"team_id": id, "tags": ["own"]})).await;
    let response = crate::support::keys::chat_as(&app, &key, &crate::support::hello("gpt-4")).await;
    assert_eq!(response.status(), 200);
    let reply: serde_json::Value = response.json().await.unwrap();
    let record = app.record(reply["id"].as_str().unwrap()).await;
    assert_eq!(record["model_group"], "backup");
    assert_eq!(record["team_id"], id.as_str());
    assert_eq!(record["request_tags"], json!(["own", "blue"]));
    assert_eq!(asked(&app, &key, "gpt-5").await.0, 404);
}
