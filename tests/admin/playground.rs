//! The Playground.

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Visitor, token};
use crate::support::{BACKUP, PRIMARY, TestApp, header};

#[tokio::test]
async fn two_models_answer_side_by_side_and_are_recorded() {
    let app = TestApp::new().await;
    app.bedrock
        .script(PRIMARY, [Step::text("**One** <b>of</b> us")]);
    app.bedrock.script(BACKUP, [Step::text("Two")]);
    let visitor = Visitor::signed_in(&app).await;
    assert!(
        visitor
            .page("/ui/playground?model=backup")
            .await
            .contains("<option selected>backup")
    );
    let form = [
        ("model", "primary"),
        ("other", "backup"),
        ("system", "Be brief."),
        ("message", "Who's \"there\"?"),
        ("temperature", "0.5"),
        ("max_tokens", "100"),
    ];
    let response = visitor.submit("/ui/playground", &form).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = response.text().await.unwrap();
    for text in [
        "<p><strong>One</strong> &lt;b&gt;of&lt;/b&gt; us</p>",
        "<p>Two</p>",
        "&#34;temperature&#34;:0.5",
        "temperature=0.5,",
        "max_tokens=100,",
        "extra_body={&#34;metadata&#34;: {&#34;tags&#34;:[&#34;playground&#34;]}},",
        "Who&#39;\\&#39;&#39;s",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let sent = app.bedrock.requests_for(PRIMARY);
    assert!(sent[0].body.to_string().contains("Be brief."), "{sent:?}");
    app.settle().await;
    let page = visitor.page("/ui/logs?tag=playground").await;
    assert_eq!(
        page.matches("<tr><td><a href=\"/ui/logs/chatcmpl-").count(),
        2,
        "{page}"
    );
}

#[tokio::test]
async fn an_answer_streams_where_a_script_asks_for_it() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::text("Here it is.")]);
    let visitor = Visitor::signed_in(&app).await;
    let form = [("model", "primary"), ("message", "Hello")];
    let response = visitor.submit("/ui/playground/stream", &form).await;
    assert_eq!(header(&response, "content-type"), "application/x-ndjson");
    let text = response.text().await.unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: String = lines
        .iter()
        .filter_map(|line| line["text"].as_str())
        .collect();
    assert_eq!(said, "Here it is.");
    let end = lines.last().unwrap()["html"].as_str().unwrap();
    assert!(
        end.contains("stream=True,") && end.contains("&#34;stream&#34;:true"),
        "{end}"
    );
    assert!(
        end.contains("It works") && end.contains("<p>Here it is.</p>"),
        "{end}"
    );

    app.bedrock.always(PRIMARY, Step::unavailable());
    app.bedrock.always(BACKUP, Step::unavailable());
    let form = [("model", "nobody"), ("message", "Hello")];
    let response = visitor.submit("/ui/playground/stream", &form).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("No model is called nobody.")
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_on_the_form() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for (form, problem) in [
        (vec![("model", "primary")], "There is no message."),
        (vec![("message", "Hello")], "No model was chosen."),
        (
            vec![("model", "<b>"), ("message", "Hello")],
            "No model is called &#60;b&#62;.",
        ),
        (
            vec![
                ("model", "primary"),
                ("message", "Hello"),
                ("max_tokens", "many"),
            ],
            "Max output must be a whole number.",
        ),
        (
            vec![
                ("model", "primary"),
                ("message", "Hello"),
                ("temperature", "hot"),
            ],
            "The temperature must be a number",
        ),
    ] {
        let response = visitor.submit("/ui/playground", &form).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = response.text().await.unwrap();
        assert!(page.contains(problem), "{problem}: {page}");
    }
    let asked = [("model", "primary"), ("message", "Hello")];
    let without_token = visitor.post("/ui/playground", &asked).await;
    assert_eq!(without_token.status(), StatusCode::FORBIDDEN);
    let stranger = Visitor::new(&app).post("/ui/playground", &asked).await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER);
    assert!(app.bedrock.requests_for(PRIMARY).is_empty());
    assert!(!token(&visitor.page("/ui/playground").await).is_empty());
}
