//! As whom Bedrock is called: every way of the AWS SDK to an identity, against fakes of the services behind it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use bedrock_sidecar::simulator::SeenRequest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::process::Gateway;
use crate::support::{KEY, hello, simulated, trail_of};

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// What Bedrock saw of the identity of one chat through a gateway with these lines in its deployment and these
/// variables.
async fn seen(lines: &str, variables: &[(&str, &str)]) -> String {
    called(lines, variables).await.authorization
}

/// The call that this chat was.
async fn called(lines: &str, variables: &[(&str, &str)]) -> SeenRequest {
    let bedrock = simulated().await;
    let yaml = format!(
        "model_list: [{{model_name: sonnet, litellm_params: {{model: bedrock/us.anthropic.claude-sonnet-5-5{lines}}}}}]"
    );
    let url = bedrock.url();
    let mut all = NO_IDENTITY.to_vec();
    all.push(("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &url));
    for (name, value) in variables {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let gateway = Gateway::start(&yaml, &all).await;
    let chat = chat(&gateway, "sonnet").await;
    let status = chat.status();
    let text = chat.text().await.unwrap();
    assert_eq!(status, 200, "{text}\n{}", gateway.log());
    bedrock.requests().swap_remove(0)
}

/// The access key id of a signature.
fn key_id(authorization: &str) -> &str {
    let (_, rest) = authorization
        .split_once("Credential=")
        .unwrap_or_else(|| panic!("not signed: {authorization}"));
    rest.split('/').next().unwrap()
}

/// An instance's metadata service that knows one role, by the second version of its protocol alone.
async fn metadata_service() -> String {
    let expires = "2099-01-01T00:00:00Z";
    let credentials = json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKIAINSTANCE", "SecretAccessKey": "s", "Token": "t",
        "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": expires,
    });
    let token = put(async || ([("x-aws-ec2-metadata-token-ttl-seconds", "21600")], "token"));
    let role = |headers: http::HeaderMap, answer: String| async move {
        match headers.get("x-aws-ec2-metadata-token") {
            Some(token) if token == "token" => Ok(answer),
            _ => Err(http::StatusCode::UNAUTHORIZED),
        }
    };
    let credentials = credentials.to_string();
    let list = move |headers| role(headers, "bedrock-role".to_owned());
    let one = move |headers| role(headers, credentials.clone());
    let router = Router::new()
        .route("/latest/api/token", token)
        .route("/latest/meta-data/iam/security-credentials/", get(list))
        .route(
            "/latest/meta-data/iam/security-credentials/bedrock-role",
            get(one),
        );
    serve(router).await
}

/// A token service that lends one role, and what it was asked.
async fn token_service() -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer = async |State(asked): State<Arc<Mutex<Vec<String>>>>,
                        headers: http::HeaderMap,
                        body: String| {
        let signed_by = headers["authorization"].to_str().unwrap().to_owned();
        asked.lock().unwrap().push(format!("{body} {signed_by}"));
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
            <AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser>
            <Credentials><AccessKeyId>AKIALENT</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
            <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
            <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>"#
    };
    let router = Router::new()
        .route("/", post(answer))
        .with_state(Arc::clone(&asked));
    (serve(router).await, asked)
}

fn profiles(folder: &Path) -> String {
    let file = folder.join("credentials");
    let profile = |name: &str, id: &str| {
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = s\n")
    };
    let profiles = profile("default", "AKIADEFAULT") + profile("work", "AKIAWORK").as_str();
    std::fs::write(&file, profiles).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn access_keys_of_the_environment_sign() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    assert_eq!(key_id(&seen("", &keys).await), "AKIAENV");
}

#[tokio::test]
async fn a_call_names_the_gateway_or_the_application_that_the_environment_names() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let named = [("AWS_SDK_UA_APP_ID", "payments")];
    let own_keys = ", aws_access_key_id: AKIAMINE, aws_secret_access_key: s";
    for (lines, variables, name) in [
        ("", &keys[..], "app/bedrock-sidecar"),
        (own_keys, &keys[..], "app/bedrock-sidecar"),
        ("", &[keys.as_slice(), &named].concat(), "app/payments"),
    ] {
        let said = called(lines, variables).await.user_agent;
        let mut words = said.split(' ');
        assert!(words.any(|word| word == name), "{said}");
    }
}

#[tokio::test]
async fn access_keys_of_a_deployment_go_before_the_environment_s() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("MY_ID", "AKIAMINE"),
    ];
    let lines = ", aws_access_key_id: os.environ/MY_ID, aws_secret_access_key: s";
    assert_eq!(key_id(&seen(lines, &keys).await), "AKIAMINE");
}

#[tokio::test]
async fn a_profile_signs_by_variable_or_by_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let file = profiles(folder.path());
    let at = ("AWS_SHARED_CREDENTIALS_FILE", file.as_str());
    assert_eq!(key_id(&seen("", &[at]).await), "AKIADEFAULT");
    let named = seen("", &[at, ("AWS_PROFILE", "work")]).await;
    assert_eq!(key_id(&named), "AKIAWORK");
    let named = seen(", aws_profile_name: work", &[at]).await;
    assert_eq!(key_id(&named), "AKIAWORK");
}

#[tokio::test]
async fn an_instance_s_role_signs_without_any_key_on_the_machine() {
    let metadata = metadata_service().await;
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str()),
    ];
    assert_eq!(key_id(&seen("", &variables).await), "AKIAINSTANCE");
}

#[tokio::test]
async fn a_bedrock_api_key_is_sent_as_it_is() {
    let key = [("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-1")];
    assert_eq!(seen("", &key).await, "Bearer bedrock-api-key-1");
}

#[tokio::test]
async fn a_deployment_s_role_is_assumed_once_with_its_session_name_and_external_id() {
    let (sts, asked) = token_service().await;
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_ENDPOINT_URL_STS", sts.as_str()),
    ];
    let lines = ", aws_role_name: 'arn:aws:iam::123456789012:role/other', aws_session_name: gateway, aws_external_id: x-1";
    assert_eq!(key_id(&seen(lines, &variables).await), "AKIALENT");
    let asked = asked.lock().unwrap();
    let [asked] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fother",
        "RoleSessionName=gateway",
        "ExternalId=x-1",
        "Credential=AKIAENV/",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

/// Nothing on this machine may answer by chance.
const NO_IDENTITY: [(&str, &str); 4] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/nowhere"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
];

async fn chat(gateway: &Gateway, model: &str) -> reqwest::Response {
    let client = reqwest::Client::new();
    let chat = client.post(format!("{}/v1/chat/completions", gateway.url));
    let chat = chat.bearer_auth(KEY).json(&hello(model));
    chat.send().await.unwrap()
}

/// Two models that are called as whoever the machine is, then those of these lines.
fn chain(lines: &str) -> String {
    let third = if lines.is_empty() { "" } else { ", third" };
    format!(
        "model_list:
  - {{model_name: first, litellm_params: {{model: bedrock/us.anthropic.claude-sonnet-5-5}}}}
  - {{model_name: first, litellm_params: {{model: bedrock/global.anthropic.claude-sonnet-5-5, aws_region_name: us-west-2}}}}
  - {{model_name: second, litellm_params: {{model: bedrock/us.amazon.nova-pro-v1:0}}}}
{lines}litellm_settings: {{num_retries: 2, default_fallbacks: [second{third}]}}
"
    )
}

#[tokio::test]
async fn missing_credentials_are_one_line_that_says_what_to_do() {
    let third =
        "  - {model_name: third, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}}\n";
    let gateway = Gateway::start(&chain(third), &NO_IDENTITY).await;
    let said = "no AWS credentials: run `aws configure sso`, give the machine a role, or set \
                AWS_BEARER_TOKEN_BEDROCK";
    for _ in 0..3 {
        let reply = chat(&gateway, "first").await;
        assert_eq!(reply.status(), 502);
        let trail = trail_of(&reply);
        assert!(
            trail == "first:no_credentials",
            "others have no other credentials: {trail}"
        );
        let error: Value = reply.json().await.unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert_eq!(message, format!("BedrockException - {said}"));
    }
    let log = gateway.log();
    assert_eq!(log.matches(said).count(), 1, "{log}");
    assert!(!log.contains("CredentialsNotLoaded"), "{log}");
    let warnings = log.lines().filter(|line| line.contains(" WARN "));
    assert_eq!(warnings.filter(|line| line.contains("chain")).count(), 1);
}

#[tokio::test]
async fn an_expired_login_is_one_line_that_says_what_to_do() {
    let expired = json!({
        "startUrl": "https://my.awsapps.com/start", "region": "us-east-1", "accessToken": "t",
        "expiresAt": "2020-01-01T00:00:00Z",
    });
    for token in [Some(expired.to_string()), Some("{".to_owned()), None] {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config");
        let profile = "[profile dev]\nsso_session = my\nsso_account_id = 123456789012\nsso_role_name = Dev\n\
                       [sso-session my]\nsso_region = us-east-1\nsso_start_url = https://my.awsapps.com/start\n";
        std::fs::write(&config, profile).unwrap();
        if let Some(token) = &token {
            let cache = home.path().join(".aws/sso/cache");
            std::fs::create_dir_all(&cache).unwrap();
            // The SHA-1 of the session's name.
            let file = cache.join("3ece1471f44f63177cbc35ba0b904e0c096b6783.json");
            std::fs::write(file, token).unwrap();
        }
        let mut variables = NO_IDENTITY.to_vec();
        variables.retain(|(name, _)| *name != "AWS_CONFIG_FILE");
        variables.extend([
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_PROFILE", "dev"),
            ("HOME", home.path().to_str().unwrap()),
        ]);
        let gateway = Gateway::start(&chain(""), &variables).await;
        let said = "the AWS login has expired: run `aws sso login` with the gateway's AWS_PROFILE";
        for _ in 0..3 {
            let reply = chat(&gateway, "first").await;
            assert_eq!(reply.status(), 502);
            assert_eq!(trail_of(&reply), "first:no_credentials");
            let error: Value = reply.json().await.unwrap();
            let message = error["error"]["message"].as_str().unwrap();
            assert_eq!(message, format!("BedrockException - {said}"), "{token:?}");
        }
        let log = gateway.log();
        assert_eq!(log.matches(said).count(), 1, "{log}");
    }
}

#[tokio::test]
async fn a_deployment_with_credentials_of_its_own_answers_where_the_machine_has_none() {
    let bedrock = simulated().await;
    let url = bedrock.url();
    let mut variables = NO_IDENTITY.to_vec();
    variables.push(("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &url));
    let third = "  - model_name: third
    litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0, aws_access_key_id: AKIAMINE, aws_secret_access_key: s}
";
    let gateway = Gateway::start(&chain(third), &variables).await;
    let reply = chat(&gateway, "first").await;
    assert_eq!(reply.status(), 200);
    assert_eq!(trail_of(&reply), "first:no_credentials, third:ok");
    let seen = bedrock.requests();
    assert_eq!(key_id(&seen[0].authorization), "AKIAMINE");
}

#[tokio::test]
async fn the_simulated_bedrock_is_called_in_any_case_where_a_variable_says_so() {
    for word in ["true", "1", "yes"] {
        let mut variables = NO_IDENTITY.to_vec();
        variables.extend([
            ("AWS_ACCESS_KEY_ID", "AKIAREAL"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            // Whatever calls Amazon's address fails.
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9"),
            ("SIMULATED_BEDROCK", word),
        ]);
        let gateway = Gateway::start(&chain(""), &variables).await;
        assert!(
            gateway.log().contains("the SIMULATED Bedrock at "),
            "{word}"
        );
        assert_eq!(chat(&gateway, "second").await.status(), 200, "{word}");
    }
}
