//! Every request is in the books exactly once, whatever its table, the network in front of it, or its process does; and
//! what the books have missed, `bedrock-sidecar replay` writes from the log.

use std::path::PathBuf;
use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, Simulated, Step};
use bedrock_sidecar::spend::{RequestId, Status};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::{Ended, Gateway, replay};
use crate::support::table_proxy::Fault;
use crate::support::{KEY, PRIMARY, TestApp, hello, simulated};

const YAML: &str = "
model_list:
  - model_name: primary
    litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0, aws_region_name: us-east-1}
router_settings: {record_timeout: 2}
";

/// A gateway in a process of its own, whose table is behind a network that fails by script.
struct Stage {
    bedrock: Simulated,
    books: Books,
    gateway: Gateway,
    http: reqwest::Client,
}

impl Stage {
    async fn new() -> Self {
        let (bedrock, books) = (simulated().await, Books::new().await);
        Self {
            gateway: Gateway::start(YAML, &books.variables(&bedrock)).await,
            bedrock,
            books,
            http: reqwest::Client::new(),
        }
    }

    fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/chat/completions", self.gateway.url);
        self.http.post(url).bearer_auth(KEY).json(body)
    }

    /// A whole answer, and its id.
    async fn answer(&self) -> String {
        let response = self.request(&hello("primary")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let reply: Value = response.json().await.unwrap();
        assert_eq!(reply["choices"][0]["finish_reason"], "stop");
        reply["id"].as_str().unwrap().to_owned()
    }

    async fn replay(&self, options: &[&str]) -> Ended {
        let variables = self.books.variables(&self.bedrock);
        replay(YAML, &variables, options, &[self.gateway.log_file()]).await
    }
}

/// The log of a gateway of version 0.1 that began a request at this time and was never heard of again.
fn log_of_a_lost_request(folder: &tempfile::TempDir, at: Timestamp) -> (PathBuf, RequestId) {
    let id = RequestId::new(at);
    let open = json!({"request_id": id, "call_type": "acompletion", "api_key": "ab".repeat(32), "model": "primary", "estimated_input": 1000});
    let line = json!({"level": "INFO", "event": "spend_open", "open": open.to_string(), "target": "spend"});
    let file = folder.path().join("log");
    std::fs::write(&file, format!("{line}\n")).unwrap();
    (file, id)
}

#[tokio::test]
async fn whatever_happens_to_a_write_on_its_way_there_is_one_record_and_the_totals_are_right() {
    let faults: [&[Fault]; 8] = [
        &[Fault::Conflict, Fault::Conflict, Fault::Conflict],
        &[Fault::Throttled],
        &[Fault::InternalError],
        &[Fault::BadGateway],
        &[Fault::ResetBefore],
        &[Fault::ResetAfter],
        &[Fault::Swallowed],
        &[Fault::AnswerLost, Fault::ResetAfter, Fault::Conflict],
    ];
    let each = faults.map(async |faults| {
        let books = Books::new().await;
        let app = TestApp::builder().table_at(&books.proxy.url).start().await;
        app.bedrock.script(PRIMARY, [Step::text("Hello.")]);
        books.proxy.script(faults.iter().copied());
        let reply = app.chat_json(&hello("primary")).await;
        app.settle().await;
        let contents = books.contents().await;
        let ids: Vec<_> = contents
            .records
            .iter()
            .map(|r| r.request_id.to_string())
            .collect();
        assert_eq!(ids, [reply["id"].as_str().unwrap()], "{faults:?}");
        assert!(!contents.totals.spend.is_zero());
        contents.assert_balanced();
    });
    join_all(each).await;
}

#[tokio::test]
async fn a_table_that_stays_away_leaves_the_answer_alone_and_the_record_in_the_log() {
    let stage = Stage::new().await;
    stage.books.proxy.down(true);
    let id = stage.answer().await;
    stage.gateway.says("spend_unrecorded").await;
    stage.books.proxy.down(false);
    assert_eq!(stage.books.contents().await.records, []);

    let would = stage.replay(&["--dry-run"]).await;
    assert!(
        would.ok && would.text.contains("would be written: 1 records, 0 lost"),
        "{would:?}"
    );
    assert_eq!(stage.books.contents().await.records, []);

    let replayed = stage.replay(&[]).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 1 records, 0 lost"),
        "{replayed:?}"
    );
    let contents = stage.books.contents().await;
    let [record] = &contents.records[..] else {
        panic!("{contents:?}")
    };
    assert_eq!(
        (record.request_id.to_string(), record.status),
        (id, Status::Success)
    );
    contents.assert_balanced();

    let again = stage.replay(&["--grace", "0s"]).await;
    assert!(
        again.ok && again.text.contains("\nwritten: 0 records, 0 lost"),
        "{again:?}"
    );
    assert!(
        again.text.contains("in the table already: 1\n"),
        "{again:?}"
    );
    assert_eq!(stage.books.contents().await, contents);
}

#[tokio::test]
async fn a_record_that_was_written_although_nobody_heard_so_is_not_written_again() {
    let stage = Stage::new().await;
    stage.books.proxy.always(Some(Fault::AnswerLost));
    stage.answer().await;
    stage.gateway.says("spend_unrecorded").await;
    stage.books.proxy.always(None);
    let contents = stage.books.contents().await;
    assert_eq!(contents.records.len(), 1);
    let replayed = stage.replay(&[]).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 0 records, 0 lost"),
        "{replayed:?}"
    );
    assert_eq!(stage.books.contents().await, contents);
}

#[tokio::test]
async fn a_request_whose_process_is_killed_becomes_a_record_with_an_estimate() {
    let mut stage = Stage::new().await;
    let silent = Step::text("one two three").fault(2, FaultKind::Silence);
    stage.bedrock.script(PRIMARY, [silent]);
    let mut body = hello("primary");
    body["stream"] = json!(true);
    body["user"] = json!("maria");
    body["tags"] = json!(["team-a"]);
    let request = stage.request(&body);
    let request = request.header("x-litellm-session-id", "s1");
    let request = request.header("x-litellm-call-id", "mine");
    let mut response = request.send().await.unwrap();
    response.chunk().await.unwrap();
    stage.gateway.kill();

    let early = stage.replay(&[]).await;
    assert!(
        early.ok && early.text.contains("too young to be lost"),
        "{early:?}"
    );
    assert_eq!(stage.books.contents().await.records, []);
    let replayed = stage.replay(&["--grace", "0s"]).await;
    assert!(
        replayed.text.contains("\nwritten: 0 records, 1 lost"),
        "{replayed:?}"
    );
    let contents = stage.books.contents().await;
    let [record] = &contents.records[..] else {
        panic!("{contents:?}")
    };
    assert_eq!(
        (record.status, record.usage().estimated),
        (Status::Lost, true)
    );
    assert!(!record.spend_known().is_zero());
    assert_eq!(record.final_attempt().unwrap().model, PRIMARY);
    let caller = &record.caller;
    assert_eq!(caller.end_user.as_deref(), Some("maria"));
    assert_eq!(caller.session_id.as_deref(), Some("s1"));
    let alias = caller.key_alias.as_deref();
    assert_eq!(alias, Some("litellm_proxy_master_key"));
    assert_eq!(record.litellm_call_id.as_deref(), Some("mine"));
    assert!(record.stream);
    assert_eq!(contents.tags["team-a"].requests, 1);
    contents.assert_balanced();
}

#[tokio::test]
async fn a_stream_under_way_when_the_server_is_told_to_stop_ends_whole_with_its_record() {
    let mut stage = Stage::new().await;
    let slow = Step::text("one two three four five six").pace(Duration::from_millis(50));
    stage.bedrock.script(PRIMARY, [slow]);
    let mut body = hello("primary");
    body["stream"] = json!(true);
    let mut response = stage.request(&body).send().await.unwrap();
    let mut text = response.chunk().await.unwrap().unwrap().to_vec();
    stage.gateway.terminate();
    stage.gateway.says("requests under way may end").await;
    assert!(
        reqwest::Client::new()
            .get(&stage.gateway.url)
            .send()
            .await
            .is_err()
    );
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.extend(chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("six") && text.ends_with("data: [DONE]\n\n"),
        "{text}"
    );
    assert!(stage.gateway.ended().await.success());
    let contents = stage.books.contents().await;
    let [record] = &contents.records[..] else {
        panic!("{contents:?}")
    };
    assert_eq!(record.status, Status::Success);
    contents.assert_balanced();
}

#[tokio::test]
async fn a_replay_that_cannot_write_says_so_and_may_be_made_again() {
    let stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let (log, id) = log_of_a_lost_request(&folder, hour_ago);
    let variables = stage.books.variables(&stage.bedrock);
    let options = ["--accept-unsigned"];
    let run = async || replay(YAML, &variables, &options, &[log.clone(), log.clone()]).await;
    stage.books.proxy.always(Some(Fault::Denied));
    let refused = run().await;
    assert!(
        !refused.ok
            && refused
                .text
                .contains(&format!("NOT WRITTEN, replay again: 1\n  {id}")),
        "{refused:?}"
    );
    stage.books.proxy.always(None);
    let replayed = run().await;
    assert!(
        replayed.ok && replayed.text.contains("1 lost"),
        "{replayed:?}"
    );
    assert_eq!(stage.books.contents().await.records.len(), 1);

    let nowhere = replay(YAML, &variables, &[], &[folder.path().join("nowhere")]).await;
    assert!(
        !nowhere.ok && nowhere.text.contains("nowhere cannot be read"),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn what_is_older_than_records_are_kept_is_left_alone() {
    let (bedrock, books) = (simulated().await, Books::new().await);
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("{YAML}general_settings: {{maximum_spend_logs_retention_period: 1d}}\n");
    for (hours, left_alone) in [(25, true), (23, false)] {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        let (log, _) = log_of_a_lost_request(&folder, at);
        let variables = books.variables(&bedrock);
        let replayed = replay(&yaml, &variables, &["--accept-unsigned"], &[log]).await;
        assert!(replayed.ok, "{replayed:?}");
        let told = replayed.text.contains("older than records are kept");
        assert_eq!(told, left_alone, "{replayed:?}");
    }
    assert_eq!(books.contents().await.totals.requests, 1);
}

#[tokio::test]
async fn the_embedded_table_is_replayed_into_while_a_server_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let bedrock = simulated().await;
    let variables = [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
        ("DATA_DIR", data.to_str().unwrap().to_owned()),
    ];
    let gateway = Gateway::start(YAML, &variables).await;
    let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let (log, id) = log_of_a_lost_request(&folder, hour_ago);
    let replayed = replay(YAML, &variables, &["--accept-unsigned"], &[log]).await;
    assert!(
        replayed.ok && replayed.text.contains("1 lost"),
        "{replayed:?}"
    );

    let row = async |path: String| -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", gateway.url));
        let response = request.bearer_auth(KEY).send().await.unwrap();
        response.json().await.unwrap()
    };
    let rows = row(format!("/spend/logs?request_id={id}")).await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["spend"]),
        (&json!("lost"), &json!(0.0033))
    );
    assert_eq!(rows[0]["metadata"]["usage_estimated"], true);
    let found = row("/spend/logs/v2?status_filter=lost".to_owned()).await;
    assert_eq!(found["data"][0]["request_id"], id.to_string(), "{found}");
}

/// The line is there before Bedrock is asked: otherwise what Bedrock bills could be known to nobody.
#[tokio::test]
async fn a_request_is_in_the_log_before_bedrock_hears_of_it() {
    let stage = Stage::new().await;
    stage.bedrock.always(PRIMARY, Step::hang());
    let sent = stage
        .request(&hello("primary"))
        .timeout(Duration::from_secs(30));
    let asked = async {
        while stage.bedrock.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        stage.gateway.log()
    };
    tokio::select! {
        log = asked => assert!(log.contains("spend_open"), "{log}"),
        answer = sent.send() => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn tags_that_are_counted_with_the_others_are_so_however_their_record_comes_to_be_written() {
    let stage = Stage::new().await;
    let answer = async |n: usize| {
        let mut body = hello("primary");
        let tags: Vec<String> = (n * 20..(n + 1) * 20).map(|n| format!("t{n}")).collect();
        body["tags"] = json!(tags);
        let response = stage.request(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap();
    };
    for n in 0..10 {
        answer(n).await;
    }
    while stage.books.contents().await.records.len() < 10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.books.proxy.always(Some(Fault::InternalError));
    answer(10).await;
    stage.gateway.says("spend_unrecorded").await;
    stage.books.proxy.always(None);
    for _ in 0..2 {
        assert!(stage.replay(&[]).await.ok);
        let contents = stage.books.contents().await;
        contents.assert_balanced();
        assert_eq!((contents.records.len(), contents.tags.len()), (11, 201));
        assert!(contents.tags.values().all(|tag| tag.requests == 1));
        assert_eq!(contents.tags["other"].spend, contents.tags["t0"].spend);
    }
}
