//! Customers: made by use, blocked and deleted.

use std::time::Duration;

use serde_json::json;

use super::{done, refusal};
use crate::support::keys::key;
use crate::support::{TestApp, hello_with};

#[tokio::test]
async fn customers_are_made_by_use_and_a_blocked_one_is_served_nowhere() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let key = key(&app, json!({})).await;
    let ask = async |app: &TestApp, customer: &str| {
        let body = hello_with("primary", "user", json!(customer));
        refusal(crate::support::keys::chat_with(app, &key, &body)).await
    };
    for customer in ["acme", "bolt", "acme"] {
        assert_eq!(ask(&app, customer).await.0, 200);
    }
    assert_eq!(ask(&other, "acme").await.0, 200);
    app.settle().await;
    let listed = app.get_json("/customer/list").await;
    let ids: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["user_id"])
        .collect();
    assert_eq!(ids, ["acme", "bolt"]);
    assert_eq!(
        refusal(app.get("/customer/info?end_user_id=nobody"))
            .await
            .0,
        404
    );

    done(
        &app,
        "/customer/block",
        json!({"user_ids": ["acme", "new"]}),
    )
    .await;
    let info = app.get_json("/end_user/info?end_user_id=acme").await;
    assert_eq!(info["blocked"], true);
    for customer in ["acme", "new"] {
        let (status, message) = ask(&app, customer).await;
        assert_eq!(status, 403);
        assert!(message.contains(&format!("User={customer}.")), "{message}");
    }
    assert_eq!(ask(&app, "bolt").await.0, 200);
    // Elsewhere within ten seconds.
    assert_eq!(ask(&other, "acme").await.0, 200);
    other.clock.advance(Duration::from_secs(11));
    ask(&other, "acme").await;
    other.settle().await;
    assert_eq!(ask(&other, "acme").await.0, 403);
    done(&app, "/customer/unblock", json!({"user_ids": ["acme"]})).await;
    assert_eq!(ask(&app, "acme").await.0, 200);

    done(&app, "/customer/delete", json!({"user_ids": ["new"]})).await;
    assert_eq!(
        refusal(app.get("/customer/info?end_user_id=new")).await.0,
        404
    );
    assert_eq!(ask(&app, "new").await.0, 200);
}
