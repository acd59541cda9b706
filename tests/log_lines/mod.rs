//! What clients and upstreams say stands in the log as values: whatever it is, an event is one line, a line has one
//! member of a name, and no line of the books is there that the gateway has not made.

mod everywhere;
mod hostile;

use std::collections::BTreeSet;

use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::Record;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::log_lines::{self, Line};
use crate::support::process::{Gateway, replay};
use crate::support::table_proxy::Fault;
use crate::support::{KEY, PRIMARY, simulated, validation_error};

use everywhere::{
    key_that_says_it, say_it_as_bedrock, say_it_in_every_field, say_it_in_every_header_and_path,
};
use hostile::{VICTIM, forged_lines};

const YAML: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
  - model_name: backup
    litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0, aws_region_name: us-west-2}
  - model_name: bedrock/*
    litellm_params: {model: bedrock/*, aws_region_name: us-east-1}
router_settings: {record_timeout: 1, num_retries: 0, disable_cooldowns: true, fallbacks: [{primary: [backup]}]}
";

/// A gateway in a process of its own that logs all it ever does, in one of the two formats.
struct Stage {
    bedrock: Simulated,
    books: Books,
    gateway: Gateway,
    http: reqwest::Client,
    json: bool,
}

impl Stage {
    async fn new(json: bool) -> Self {
        let (bedrock, books) = (simulated().await, Books::new().await);
        let mut variables = books.variables(&bedrock);
        variables.push(("LOG_LEVEL", "debug".to_owned()));
        let yaml = format!("{YAML}general_settings: {{json_logs: {json}}}\n");
        Self {
            gateway: Gateway::start(&yaml, &variables).await,
            bedrock,
            books,
            http: reqwest::Client::new(),
            json,
        }
    }

    async fn send(&self, key: &str, path: &str, body: &Value) -> Response {
        let request = self.http.post(format!("{}{path}", self.gateway.url));
        request.bearer_auth(key).json(body).send().await.unwrap()
    }

    /// A chat request of this key with these fields beside the usual ones; answered or not.
    async fn chat(&self, key: &str, fields: Value) -> String {
        let mut body =
            json!({"model": "primary", "messages": [{"role": "user", "content": "hello"}]});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let response = self.send(key, "/v1/chat/completions", &body).await;
        response.text().await.unwrap()
    }

    async fn new_key(&self, settings: Value) -> String {
        let made: Value = self
            .send(KEY, "/key/generate", &settings)
            .await
            .json()
            .await
            .unwrap();
        made["key"]
            .as_str()
            .unwrap_or_else(|| panic!("{made}"))
            .to_owned()
    }

    /// The log so far, every line of it structured.
    fn lines(&self) -> Vec<Line> {
        log_lines::lines(&self.gateway.log(), self.json)
    }

    /// Replays the log so far in all ways, and finds nothing in the books that the attacker wrote.
    async fn assert_nothing_is_forged(&self, written: usize) {
        let variables = self.books.variables(&self.bedrock);
        let logs = [self.gateway.log_file()];
        for options in [
            &["--grace", "0s"][..],
            &["--grace", "0s", "--accept-unsigned"],
        ] {
            let replayed = replay(YAML, &variables, options, &logs).await;
            assert!(replayed.ok, "{replayed:?}");
            for word in ["signature", "unreadable"] {
                assert!(!replayed.text.contains(word), "{replayed:?}");
            }
        }
        let contents = self.books.contents().await;
        let theirs = |record: &Record| record.caller.key_hash.contains(VICTIM);
        assert!(!contents.records.iter().any(theirs), "{contents:?}");
        assert_eq!(contents.records.len(), written);
        contents.assert_balanced();
    }
}

/// The attack as it was found: Bedrock's refusal quotes a field's name, and the field's name is a line of the books.
#[tokio::test]
async fn a_field_whose_name_is_a_line_of_the_books_becomes_no_record() {
    for json in [false, true] {
        let stage = Stage::new(json).await;
        let key = stage.new_key(json!({})).await;
        for line in forged_lines() {
            let name = format!("x\n{line}\ny");
            let refusal = format!("{name}: Extra inputs are not permitted");
            stage.bedrock.script(PRIMARY, [validation_error(&refusal)]);
            let fields = json!({"additional_model_request_fields": {name: 1}});
            stage.chat(&key, fields).await;
        }
        stage.gateway.says("Extra inputs").await;
        stage.assert_nothing_is_forged(2).await;
        let failed = |line: &&Line| {
            let is = |name: &str, value: &str| line.get(name).is_some_and(|said| said == value);
            is("message", "target failed") && is("group", "primary")
        };
        let lines = stage.lines();
        assert_eq!(lines.iter().filter(failed).count(), 2, "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_clients_and_upstreams_say_each_event_is_one_line_and_no_line_is_forged() {
    for json in [false, true] {
        let mut stage = Stage::new(json).await;
        // A table that takes nothing takes no new key either.
        let keys = [
            key_that_says_it(&stage, 1).await,
            key_that_says_it(&stage, 2).await,
        ];
        say_it_in_every_field(&stage, &keys[0]).await;
        say_it_in_every_header_and_path(&stage).await;
        say_it_as_bedrock(&stage).await;
        // The same again where the table takes no record: the log gets it whole.
        stage.books.proxy.always(Some(Fault::InternalError));
        say_it_in_every_field(&stage, &keys[1]).await;
        stage.gateway.says("spend_unrecorded").await;
        stage.books.proxy.always(None);
        stage.gateway.terminate();
        stage.gateway.ended().await;

        let lines = stage.lines();
        assert!(!stage.gateway.log().contains("secret-111"));
        let of = |event: &str| {
            let is_it = |line: &&Line| line.get("event").is_some_and(|name| name == event);
            lines.iter().filter(is_it).collect::<Vec<_>>()
        };
        let books = ["spend_open", "spend_held", "spend_unrecorded"].map(of);
        for line in books.iter().flatten() {
            assert_eq!(line["target"], "spend");
            assert_eq!(line["signature"].len(), 64, "{line:?}");
        }
        // A record that is in the log because the table was slow may be in the table too.
        let written = stage.books.contents().await.records.into_iter();
        let mut ids: BTreeSet<String> = written
            .map(|record| record.request_id.to_string())
            .collect();
        for (event, field) in [("spend_open", "open"), ("spend_unrecorded", "record")] {
            let id = |line: &&Line| {
                let (_, rest) = line[field].split_once("chatcmpl-").unwrap();
                format!("chatcmpl-{}", &rest[..36])
            };
            ids.extend(of(event).iter().map(id));
        }
        stage.assert_nothing_is_forged(ids.len()).await;
    }
}
