//! Requests a minute, and at the same time, of teams, members and users.

use serde_json::{Value, json};

use super::{asked, done, team};
use crate::support::TestApp;
use crate::support::keys::key;

async fn is_limited(app: &TestApp, keys: [&str; 2], whose: &str) {
    assert_eq!(asked(app, keys[0], "primary").await.0, 200);
    assert_eq!(asked(app, keys[1], "primary").await.0, 200, "{whose}");
    for key in keys {
        let (status, _, message) = asked(app, key, "primary").await;
        assert_eq!(status, 429, "{whose}: {message}");
        let begins = format!("Rate limit exceeded for {whose}: ");
        assert!(message.starts_with(&begins), "{message}");
    }
}

#[tokio::test]
async fn two_keys_share_what_their_team_and_their_user_may_in_a_minute() {
    let app = TestApp::new().await;
    let of = async |settings: Value| [key(&app, settings.clone()).await, key(&app, settings).await];
    let id = team(&app, json!({"rpm_limit": 2})).await;
    let [a, b] = of(json!({"team_id": id})).await;
    is_limited(&app, [&a, &b], "team").await;

    let id = team(&app, json!({"model_rpm_limit": {"primary": 2}})).await;
    let [a, b] = of(json!({"team_id": id})).await;
    is_limited(&app, [&a, &b], "model_per_team").await;
    assert_eq!(asked(&app, &a, "backup").await.0, 200);

    let id = team(&app, json!({"team_member_rpm_limit": 2})).await;
    let [a, b] = of(json!({"team_id": id, "user_id": "maria"})).await;
    is_limited(&app, [&a, &b], "team_member").await;
    let other = key(&app, json!({"team_id": id, "user_id": "jo"})).await;
    assert_eq!(asked(&app, &other, "primary").await.0, 200);

    done(
        &app,
        "/user/new",
        json!({"user_id": "u", "rpm_limit": 2, "auto_create_key": false}),
    )
    .await;
    let [a, b] = of(json!({"user_id": "u"})).await;
    is_limited(&app, [&a, &b], "user").await;
}

#[tokio::test]
async fn a_team_s_keys_share_its_slots() {
    use bedrock_sidecar::simulator::Step;

    use crate::support::PRIMARY;

    let app = TestApp::new().await;
    let id = team(&app, json!({"max_parallel_requests": 1})).await;
    let [a, b] = [
        key(&app, json!({"team_id": id})).await,
        key(&app, json!({"team_id": id})).await,
    ];
    let slow = Step::text("Hi.").slow_first_event(std::time::Duration::from_secs(3));
    app.bedrock.script(PRIMARY, [slow]);
    let first = asked(&app, &a, "primary");
    let second = async {
        while app.bedrock.requests().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        asked(&app, &b, "primary").await
    };
    let (first, (status, _, message)) = tokio::join!(first, second);
    assert_eq!(first.0, 200);
    assert_eq!(status, 429, "{message}");
    assert!(
        message.contains("another request of this team ends"),
        "{message}"
    );
    assert_eq!(asked(&app, &b, "primary").await.0, 200);
}
