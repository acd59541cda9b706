//! Health routes.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{BACKUP, TestApp};

#[tokio::test]
async fn liveness_is_litellm_s_word() {
    let app = TestApp::new().await;
    for path in ["/health/liveliness", "/health/liveness"] {
        let body: Value = app
            .http
            .get(format!("{}{path}", app.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(body, json!("I'm alive!"));
    }
}

#[tokio::test]
async fn health_calls_each_deployment_with_one_token() {
    let app = TestApp::new().await;
    app.bedrock.script(
        BACKUP,
        [Step::fail(
            403,
            "AccessDeniedException",
            "You don't have access to the model.",
        )],
    );
    let health: Value = app
        .get("/health")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&health["healthy_count"], &health["unhealthy_count"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(health["unhealthy_endpoints"][0]["model_group"], "backup");
    assert!(
        health["unhealthy_endpoints"][0]["error"]
            .as_str()
            .unwrap()
            .contains("don't have access")
    );
    let asked = app.bedrock.requests();
    assert_eq!(asked.len(), 3, "each is asked once");
    assert!(
        asked
            .iter()
            .all(|seen| seen.body["inferenceConfig"]["maxTokens"] == 1)
    );
}

#[tokio::test]
async fn health_of_one_model_asks_only_its_deployments() {
    let app = TestApp::new().await;
    let health: Value = app
        .get("/health?model=backup")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(health["healthy_count"], 1);
    assert_eq!(app.bedrock.requests().len(), 1);
}
