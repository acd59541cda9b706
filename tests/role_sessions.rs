//! Each team calls Bedrock in a session of its own, whose name and tags AWS's bill has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bedrock_sidecar::simulator::Simulated;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

use crate::support::process::Gateway;
use crate::support::{KEY, all_models, hello};

const YAML: &str = "
model_list:
- model_name: primary
  litellm_params:
    model: bedrock/us.anthropic.claude-sonnet-5-5
    aws_region_name: us-east-1
    aws_role_name: arn:aws:iam::123456789012:role/callers
    aws_session_name: \"gw-{team}\"
";

/// The calls of AssumeRole that were seen, by their fields.
type Seen = Arc<Mutex<Vec<BTreeMap<String, String>>>>;

/// An STS that gives every session credentials until 2099.
async fn sts(seen: Seen) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(assume)).with_state(seen);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn assume(State(seen): State<Seen>, body: String) -> String {
    let fields: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let name = fields["RoleSessionName"].clone();
    seen.lock().unwrap().push(fields);
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROA:{name}</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/callers/{name}</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASIATEST</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    )
}

#[tokio::test]
async fn a_team_has_one_session_with_its_name_and_tag_however_many_requests_it_sends() {
    let seen = Seen::default();
    let bedrock = Simulated::start(all_models()).await.unwrap();
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_STS", sts(Arc::clone(&seen)).await),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
    ];
    let gateway = Gateway::start(YAML, &variables).await;
    let http = reqwest::Client::new();
    let sent = async |path: &str, key: &str, body: Value| -> Value {
        let request = http.post(format!("{}{path}", gateway.url));
        let response = request.bearer_auth(key).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let mut keys = vec![KEY.to_owned()];
    for team in ["apps", "data & tools"] {
        sent("/team/new", KEY, json!({"team_id": team})).await;
        let made = sent("/key/generate", KEY, json!({"team_id": team})).await;
        keys.push(made["key"].as_str().unwrap().to_owned());
    }
    for key in keys.iter().chain(&keys) {
        sent("/v1/chat/completions", key, hello("primary")).await;
    }
    let mut sessions: Vec<[String; 3]> = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|call| call.contains_key("Tags.member.1.Key"))
        .map(|call| {
            [
                "RoleSessionName",
                "Tags.member.1.Key",
                "Tags.member.1.Value",
            ]
            .map(|name| call[name].clone())
        })
        .collect();
    sessions.sort();
    let expected = [
        ["gw-apps", "team", "apps"],
        ["gw-data---tools", "team", "data - tools"],
        ["gw-none", "team", "none"],
    ];
    assert_eq!(sessions, expected.map(|session| session.map(str::to_owned)));
}
