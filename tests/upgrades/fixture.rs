//! The table that version 0.1 left behind, in a folder of its own (`tests/fixtures/v0_1/`).

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::types::AttributeValue;
use bedrock_sidecar::store::Embedded;
use flate2::read::GzDecoder;
use jiff::Timestamp;
use reqwest::Response;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::keys::post_with;
use crate::support::{TestApp, TestClock, offline_sdk};

/// The configuration that 0.1 ran with.
pub const CONFIG: &str = include_str!("../fixtures/v0_1/config.yml");
const TABLE: &[u8] = include_bytes!("../fixtures/v0_1/table.db.gz");
const ANSWERS: &[u8] = include_bytes!("../fixtures/v0_1/answers.json.gz");
const WORLD: &str = include_str!("../fixtures/v0_1/world.json");
/// What the embedded table is called.
const NAME: &str = "bedrock-sidecar";
/// The items' own ends, moved to the year 2286: DynamoDB's TTL goes by a clock that no test can set back.
const NEVER: &str = "9999999999";

/// A gateway of today over a copy of that table, at the moment at which 0.1 ended.
pub struct Upgraded {
    pub app: TestApp,
    /// What 0.1 gave to its clients, and how it treated its keys.
    pub world: Value,
    folder: TempDir,
}

impl Upgraded {
    pub async fn new() -> Self {
        Self::with_config(CONFIG).await
    }

    /// With another configuration than 0.1 had.
    pub async fn with_config(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("table.db"), unpacked(TABLE)).unwrap();
        let embedded = Embedded::open(folder.path()).await.unwrap();
        keep_everything(embedded.endpoint()).await;
        let world: Value = serde_json::from_str(WORLD).unwrap();
        let moment: Timestamp = world["moment"].as_str().unwrap().parse().unwrap();
        Self {
            app: TestApp::builder()
                .config(yaml)
                .table(&Arc::new(embedded), NAME)
                .clock(TestClock::at(moment))
                .start()
                .await,
            world,
            folder,
        }
    }

    /// The folder with the copy.
    pub fn data_dir(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    /// The key of this name.
    pub fn key(&self, name: &str) -> &str {
        self.world["keys"][name].as_str().unwrap()
    }

    /// The id of the request of this name.
    pub fn request(&self, name: &str) -> &str {
        self.world["requests"][name].as_str().unwrap()
    }

    /// A POST with the key of this name.
    pub async fn post_as(&self, key: &str, path: &str, body: &Value) -> Response {
        let request = post_with(&self.app, self.key(key), path, body);
        request.send().await.unwrap()
    }

    /// What is said of the key of this name.
    pub async fn key_info(&self, name: &str) -> Value {
        let path = format!("/key/info?key={}", self.key(name));
        exact(
            &self
                .app
                .get(&path)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap(),
        )["info"]
            .take()
    }
}

/// What 0.1 said at that moment, by path; `null`: 404.
pub fn answers() -> Value {
    exact(&String::from_utf8(unpacked(ANSWERS)).unwrap())
}

/// The logs of the two processes that were killed last: for people, and for machines.
pub fn logs() -> [PathBuf; 2] {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v0_1");
    ["text.log", "json.log"].map(|name| folder.join(name))
}

/// JSON with its numbers as the texts that they are: a float would not show every digit.
pub fn exact(json: &str) -> Value {
    let mut quoted = String::with_capacity(json.len() * 2);
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for char in json.chars() {
        let of_number = !in_text
            && (matches!(char, '-' | '0'..='9')
                || in_number && matches!(char, '.' | 'e' | 'E' | '+'));
        if of_number != in_number {
            quoted.push('"');
            in_number = of_number;
        }
        quoted.push(char);
        if char == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && char == '\\' && !escaped;
    }
    serde_json::from_str(&quoted).unwrap()
}

async fn keep_everything(endpoint: &str) {
    let config = Builder::from(&offline_sdk()).endpoint_url(endpoint).build();
    let client = Client::from_conf(config);
    let scan = client.scan().table_name(NAME);
    let scan = scan.filter_expression("attribute_exists(#ttl)");
    let scan = scan.expression_attribute_names("#ttl", "ttl");
    for item in scan
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap()
    {
        let key = |name: &str| item[name].clone();
        let update = client.update_item().table_name(NAME);
        let update = update.key("pk", key("pk")).key("sk", key("sk"));
        let update = update.update_expression("SET #ttl = :never");
        let update = update.expression_attribute_names("#ttl", "ttl");
        let never = AttributeValue::N(NEVER.to_owned());
        let update = update.expression_attribute_values(":never", never);
        update.send().await.unwrap();
    }
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut whole).unwrap();
    whole
}
