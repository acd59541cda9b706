//! The page of agents' sessions.

use futures_util::future::join_all;

use super::Visitor;
use crate::support::{TestApp, hello};

/// So many requests of one session, all of them answered and recorded.
async fn ask(app: &TestApp, session: &str, requests: usize) {
    // The simulated Bedrock and the table are one process: not all at once.
    for begun in (0..requests).collect::<Vec<_>>().chunks(20) {
        let asked = begun.iter().map(|_| async {
            let request = app.post("/v1/chat/completions", &hello("primary"));
            let request = request.header("x-litellm-session-id", session);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200);
            response.bytes().await.unwrap();
        });
        join_all(asked).await;
    }
    app.settle().await;
}

/// The row of a session: its requests as the page counts them.
fn requests_of<'a>(page: &'a str, session: &str) -> Option<&'a str> {
    let (_, row) = page.split_once(&format!("session?session={session}\""))?;
    let (_, requests) = row.split_once("data-label=\"Requests\">")?;
    Some(requests.split('<').next().unwrap())
}

#[tokio::test]
async fn a_session_stands_whole_on_the_page_of_its_newest_request() {
    let app = TestApp::new().await;
    ask(&app, "long", 3).await;
    ask(&app, "old", 2).await;
    // More than are read to find the sessions of a page.
    ask(&app, "busy", 260).await;
    ask(&app, "long", 1).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/sessions").await;
    assert_eq!(requests_of(&page, "long"), Some("4"), "{page}");
    assert_eq!(requests_of(&page, "busy"), Some("260"), "{page}");
    assert_eq!(requests_of(&page, "old"), None, "{page}");

    let (before, _) = page.split_once("\" rel=\"next\"").unwrap();
    let next = before.rsplit('"').next().unwrap().replace("&#38;", "&");
    let page = visitor.page(&next).await;
    assert_eq!(requests_of(&page, "old"), Some("2"), "{page}");
    for shown in ["long", "busy"] {
        assert_eq!(requests_of(&page, shown), None, "{page}");
    }
    assert!(!page.contains("rel=\"next\""), "{page}");
}

#[tokio::test]
async fn a_session_with_more_requests_than_are_read_says_so() {
    let app = TestApp::new().await;
    ask(&app, "endless", 460).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/sessions").await;
    assert_eq!(requests_of(&page, "endless"), Some("450+"), "{page}");
}
