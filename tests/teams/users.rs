//! Users that are made, changed, listed and deleted.

use serde_json::json;

use super::{asked, done, refusal, team};
use crate::support::TestApp;
use crate::support::keys::key;

#[tokio::test]
async fn a_user_is_made_with_a_key_and_teams_and_shown_with_both() {
    let app = TestApp::new().await;
    let id = team(&app, json!({"team_alias": "tools"})).await;
    let made = done(
        &app,
        "/user/new",
        json!({"user_id": "maria", "user_email": "maria@example.com", "max_budget": 5, "budget_duration": "1d",
            "teams": [id], "user_role": "internal_user"}),
    )
    .await;
    let own = made["key"].as_str().unwrap();
    assert!(own.starts_with("sk-"));
    assert_eq!(asked(&app, own, "primary").await.0, 200);
    let info = app.get_json("/user/info?user_id=maria").await;
    assert_eq!(info["user_info"]["user_email"], "maria@example.com");
    assert_eq!(info["user_info"]["max_budget"], 5);
    assert_eq!(info["keys"].as_array().unwrap().len(), 1);
    assert_eq!(info["teams"][0]["team_alias"], "tools");
    let alone = app.get_json("/v2/user/info?user_id=maria").await;
    assert_eq!(alone, info["user_info"]);
    assert_eq!(alone["teams"], json!([id]));
    let (status, message) = refusal(app.post("/user/new", &json!({"user_id": "maria"}))).await;
    assert_eq!(status, 400);
    assert!(message.contains("already exists"), "{message}");

    done(
        &app,
        "/user/new",
        json!({"auto_create_key": false, "user_alias": "robot"}),
    )
    .await;
    let page = app.get_json("/user/list?page_size=1").await;
    assert_eq!(
        (&page["total"], &page["total_pages"]),
        (&json!(2), &json!(2))
    );
    for query in [
        "user_email=maria",
        "user_ids=maria,x",
        &format!("team={id}"),
    ] {
        let page = app.get_json(&format!("/user/list?{query}")).await;
        assert_eq!(page["total"], 1, "{query}");
        assert_eq!(page["users"][0]["user_id"], "maria");
        assert_eq!(page["users"][0]["key_count"], 1);
    }
}

#[tokio::test]
async fn a_blocked_user_s_keys_are_refused_and_a_deleted_one_s_are_gone() {
    let app = TestApp::new().await;
    let id = team(&app, json!({})).await;
    done(
        &app,
        "/user/new",
        json!({"user_id": "u", "teams": [id], "auto_create_key": false}),
    )
    .await;
    let of_team = key(&app, json!({"user_id": "u", "team_id": id})).await;
    assert_eq!(asked(&app, &of_team, "primary").await.0, 200);
    done(
        &app,
        "/user/update",
        json!({"user_id": "u", "blocked": true}),
    )
    .await;
    let (status, _, message) = asked(&app, &of_team, "primary").await;
    assert_eq!(status, 401);
    assert!(message.contains("User=u is blocked."), "{message}");
    done(
        &app,
        "/user/update",
        json!({"user_id": "u", "blocked": null}),
    )
    .await;
    assert_eq!(asked(&app, &of_team, "primary").await.0, 200);

    let deleted = done(&app, "/user/delete", json!({"user_ids": ["u"]})).await;
    assert_eq!(deleted["deleted_users"][0]["deleted_keys"], 1);
    assert_eq!(asked(&app, &of_team, "primary").await.0, 401);
    assert_eq!(refusal(app.get("/user/info?user_id=u")).await.0, 404);
    let info = app.get_json(&format!("/team/info?team_id={id}")).await;
    assert_eq!(info["team_info"]["members"], json!([]));
    // The id may be used again, by somebody else.
    done(
        &app,
        "/user/new",
        json!({"user_id": "u", "auto_create_key": false}),
    )
    .await;
}
