//! The body of a request: refused at once where its length says that it is too large, and read for a limited time.

use std::time::Duration;

use bedrock_sidecar::BodyTimes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{KEY, TestApp};

/// A connection over which the head of a request was sent, with a body to come of this length.
async fn begun(app: &TestApp, path: &str, length: usize) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

/// The head of the answer and its body, once all of it has come.
async fn answer(client: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return (head.to_ascii_lowercase(), body);
        }
        let read = client.read_buf(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "{text}");
    }
}

#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_the_body_comes() {
    let app = TestApp::new().await;
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/spend/calculate",
    ] {
        let mut client = begun(&app, path, 6 * 1024 * 1024 + 1).await;
        let (head, body) = answer(&mut client).await;
        assert!(head.starts_with("http/1.1 413"), "{path}: {head}");
        assert!(head.contains("connection: close"), "{path}: {head}");
        if path == "/v1/messages" {
            assert_eq!(body["type"], "error", "{body}");
            assert_eq!(body["error"]["type"], "request_too_large");
        } else {
            assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_on_after_a_refusal_can_read_it() {
    let app = TestApp::new().await;
    let length = 10_000_000;
    let mut client = begun(&app, "/v1/chat/completions", length).await;
    client.write_all(&vec![b' '; length]).await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    // The end of the connection, and no reset.
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_when_its_time_is_over() {
    let app = TestApp::builder()
        .body_times(BodyTimes {
            base: Duration::from_millis(200),
            ..BodyTimes::default()
        })
        .start()
        .await;
    let mut client = begun(&app, "/v1/chat/completions", 1_000).await;
    let (mut from, mut to) = client.split();
    let trickle = async {
        loop {
            to.write_all(b" ").await.ok();
            sleep(Duration::from_millis(10)).await;
        }
    };
    let mut first = [0; 12];
    tokio::select! {
        () = trickle => {}
        read = from.read_exact(&mut first) => { read.unwrap(); }
    }
    assert_eq!(&first, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_client_that_pauses_in_its_body_is_refused() {
    let app = TestApp::builder()
        .body_times(BodyTimes {
            silence: Duration::from_millis(50),
            ..BodyTimes::default()
        })
        .start()
        .await;
    // The pages' forms have the same limits.
    for (path, status) in [("/v1/chat/completions", "408"), ("/ui/login", "400")] {
        let mut client = begun(&app, path, 1_000).await;
        let mut first = [0; 12];
        client.read_exact(&mut first).await.unwrap();
        assert_eq!(&first[9..], status.as_bytes(), "{path}");
    }
}

#[tokio::test]
async fn what_has_come_of_a_body_gives_the_rest_more_time() {
    let app = TestApp::builder()
        .body_times(BodyTimes {
            base: Duration::from_millis(100),
            bytes_per_second: 10,
            ..BodyTimes::default()
        })
        .start()
        .await;
    let body =
        json!({"model": "primary", "messages": [{"role": "user", "content": "x".repeat(500)}]});
    let body = body.to_string();
    let mut client = begun(&app, "/v1/chat/completions", body.len()).await;
    let (first, rest) = body.as_bytes().split_at(300);
    client.write_all(first).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    client.write_all(rest).await.unwrap();
    let (head, _) = answer(&mut client).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}
