//! Models intersect: a key's, its team's, its membership's there, and a user's for keys without a team.

use serde_json::{Value, json};

use super::{asked, done, team};
use crate::support::TestApp;
use crate::support::keys::key;

#[tokio::test]
async fn a_model_must_be_in_every_list_that_applies() {
    let app = TestApp::new().await;
    let id = team(&app, json!({"models": ["primary", "backup"]})).await;
    done(
        &app,
        "/user/new",
        json!({"user_id": "u", "models": ["last"], "auto_create_key": false}),
    )
    .await;
    let member =
        json!({"team_id": id, "member": {"user_id": "u"}, "allowed_models": ["backup", "last"]});
    done(&app, "/team/member_add", member).await;
    let denied = |whose: &str| format!("{whose}_model_access_denied");
    for (settings, model, refused_by) in [
        (json!({"team_id": id}), "primary", None),
        (
            json!({"team_id": id, "models": ["all-team-models"]}),
            "backup",
            None,
        ),
        (
            json!({"team_id": id, "models": ["all-team-models"]}),
            "last",
            Some("team"),
        ),
        (
            json!({"team_id": id, "models": ["primary"]}),
            "backup",
            Some("key"),
        ),
        (
            json!({"team_id": id, "models": ["*"]}),
            "last",
            Some("team"),
        ),
        // The member's list, beside the team's.
        (json!({"team_id": id, "user_id": "u"}), "backup", None),
        (
            json!({"team_id": id, "user_id": "u"}),
            "primary",
            Some("team"),
        ),
        (json!({"team_id": id, "user_id": "u"}), "last", Some("team")),
        // The user's own list is for keys without a team.
        (json!({"user_id": "u"}), "last", None),
        (json!({"user_id": "u"}), "backup", Some("user")),
        (json!({"user_id": "unknown"}), "backup", None),
    ] {
        let key = key(&app, settings.clone()).await;
        let (status, kind, message) = asked(&app, &key, model).await;
        match refused_by {
            None => assert_eq!(status, 200, "{settings} {model}: {message}"),
            Some(whose) => {
                assert_eq!(
                    (status, kind),
                    (403, denied(whose)),
                    "{settings} {model}: {message}"
                );
                assert!(
                    message.contains(&format!("Tried to access {model}")),
                    "{message}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_lists_the_models_that_every_list_has() {
    let app = TestApp::new().await;
    let id = team(&app, json!({"models": ["primary", "backup"]})).await;
    let key = key(&app, json!({"team_id": id, "models": ["backup", "last"]})).await;
    let url = format!("{}/v1/models", app.url);
    let listed: Value = app
        .http
        .get(url)
        .bearer_auth(&key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let names: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| &model["id"])
        .collect();
    assert_eq!(names, ["backup"]);
    // A change of the team holds for its keys at once.
    done(
        &app,
        "/team/update",
        json!({"team_id": id, "models": ["last"]}),
    )
    .await;
    assert_eq!(asked(&app, &key, "backup").await.0, 403);
    assert_eq!(asked(&app, &key, "last").await.0, 200);
}
