//! A table that fails costs no answer, and no reply says that something is stored that is not.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::process::{Gateway, replay};
use crate::support::responses::last_response;
use crate::support::table_proxy::{Fault, TableProxy, behind_a_network};
use crate::support::{CONFIG, KEY, TestApp, simulated};

use super::{WHOLE, after, ask, reference, refused, stored, user};

/// The response both ways while the table does this to every put of an item.
async fn while_puts_fail(app: &TestApp, proxy: &TableProxy, fault: Fault) -> [Value; 2] {
    proxy.strike("PutItem");
    proxy.always(Some(fault));
    let whole = app.response(&ask("hello")).await;
    let streamed = last_response(&app.response_events(&ask("hello")).await);
    [whole, streamed]
}

#[tokio::test]
async fn a_response_that_cannot_be_stored_is_whole_and_says_so() {
    let (app, proxy) = behind_a_network().await;
    for fault in [
        Fault::Denied,
        Fault::Full,
        Fault::Swallowed,
        Fault::ResetBefore,
    ] {
        let began = Instant::now();
        for response in while_puts_fail(&app, &proxy, fault).await {
            assert_eq!(response["status"], "completed", "{fault:?}");
            assert!(response["output"][0]["content"][0]["text"].is_string());
            assert_eq!(response["store"], false, "{fault:?}");
            assert!(response["usage"]["output_tokens"].as_u64().unwrap() > 0);
        }
        assert!(
            began.elapsed().as_secs() < 4,
            "{fault:?}: {:?}",
            began.elapsed()
        );
        proxy.always(None);
        let response = app.response(&ask("hello")).await;
        assert_eq!(response["store"], true, "after {fault:?}");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_said_to_be_made() {
    let (app, proxy) = behind_a_network().await;
    for response in while_puts_fail(&app, &proxy, Fault::AnswerLost).await {
        assert_eq!(response["store"], false);
        proxy.always(None);
        // It was made all the same, and does no harm.
        assert!(stored(&app, &response).await.is_some());
    }
}

#[tokio::test]
async fn a_request_that_refers_to_something_waits_for_a_table_that_is_well() {
    let (app, proxy) = behind_a_network().await;
    let first = app.response(&ask("hello")).await;
    let body = json!({"model": "primary", "input": [reference(&first["output"][0]), user("more")]});
    proxy.strike("BatchGetItem");
    proxy.always(Some(Fault::Denied));
    let (status, error) = refused(&app, &body).await;
    assert_eq!(status, 503, "{error}");
    // Thinking alone is no reason to refuse a request.
    let thinking = first["output"][0]["id"]
        .as_str()
        .unwrap()
        .replace("msg_", "rs_");
    let body = json!({"model": "primary",
        "input": [user("hello"), {"type": "item_reference", "id": thinking}, user("more")]});
    app.response(&body).await;
    proxy.always(None);
}

#[tokio::test]
async fn a_piece_that_is_missing_makes_a_response_unknown() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    let noise: String = (0..900_000).map(|_| fastrand::alphanumeric()).collect();
    let first = app.response(&ask(&noise)).await;
    let mut piece = super::address(&app, &first);
    piece.sk += "#1";
    app.state.table.delete(&piece).await.unwrap();
    let (status, error) = refused(&app, &after(&first, "more")).await;
    assert_eq!(status, 400);
    assert_eq!(error["code"], "previous_response_not_found");
}

/// What a client has read of a stream until it broke off.
async fn read_on(mut response: reqwest::Response) -> String {
    let mut text = String::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

/// The id of the response whose stream this is.
fn id_in(stream: &str) -> String {
    let from = stream.find("resp_").expect("an id");
    stream[from..from + "resp_".len() + 36].to_owned()
}

#[tokio::test]
async fn a_process_that_dies_while_it_stores_leaves_a_whole_response_or_none_and_one_record() {
    let (bedrock, books) = (simulated().await, Books::new().await);
    let yaml = format!("{CONFIG}{WHOLE}");
    let variables = books.variables(&bedrock);
    let http = reqwest::Client::new();
    for (fault, is_stored) in [(Fault::Swallowed, false), (Fault::AnswerLost, true)] {
        let mut gateway = Gateway::start(&yaml, &variables).await;
        books.proxy.strike("PutItem");
        books.proxy.always(Some(fault));
        let mut body = ask("hello");
        body["stream"] = json!(true);
        let url = format!("{}/v1/responses", gateway.url);
        let response = http.post(url).bearer_auth(KEY).json(&body).send().await;
        let reading = read_on(response.unwrap());
        let killed = async {
            books.proxy.silent().await;
            gateway.kill();
        };
        let (read, ()) = tokio::join!(reading, killed);
        // Only where the machine was too slow to kill it in time does the stream have an end.
        assert!(
            !read.contains("response.completed") || read.contains("\"store\":false"),
            "{read}"
        );
        let id = id_in(&read);
        books.proxy.always(None);

        let logs = [gateway.log_file()];
        let options = ["--grace", "0s", "--accept-unsigned"];
        replay(&yaml, &variables, &options, &logs).await;
        let request_id = id.replace("resp_", "chatcmpl-");
        let records = books.contents().await.records;
        let of_request = records
            .iter()
            .filter(|record| record.request_id.to_string() == request_id);
        assert_eq!(of_request.count(), 1, "{fault:?}");

        let gateway = Gateway::start(&yaml, &variables).await;
        let body = after(&json!({"id": id}), "more");
        let url = format!("{}/v1/responses", gateway.url);
        let response = http.post(url).bearer_auth(KEY).json(&body).send().await;
        let status = response.unwrap().status().as_u16();
        assert_eq!(status, if is_stored { 200 } else { 400 }, "{fault:?}");
    }
}
