//! The Logs page.

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Visitor;
use crate::support::keys::{chat_with, made};
use crate::support::{BACKUP, PRIMARY, TestApp, header, hello, validation_error};

/// Sends a chat with these headers; gives back its request id.
async fn ask(app: &TestApp, body: &Value, headers: &[(&str, &str)]) -> String {
    let mut request = app.post("/v1/chat/completions", body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let id = header(&response, "x-sidecar-request-id").to_owned();
    response.bytes().await.unwrap();
    app.settle().await;
    id
}

fn rows(page: &str) -> usize {
    page.matches("<tr><td><a href=\"/ui/logs/chatcmpl-").count()
}

#[tokio::test]
async fn the_list_shows_each_request_the_newest_first() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    assert!(visitor.page("/ui/logs").await.contains("No requests fit."));

    app.bedrock.script(PRIMARY, [Step::throttle()]);
    let mut body = hello("primary");
    body["user"] = json!("end <b>user</b>");
    let headers = [
        ("x-litellm-tags", "team-a"),
        ("x-litellm-session-id", "session & one"),
    ];
    let first = ask(&app, &body, &headers).await;
    let second = ask(&app, &hello("nobody"), &[]).await;
    let page = visitor.page("/ui/logs").await;
    assert_eq!(rows(&page), 2, "{page}");
    let places = [&second, &first].map(|id| page.find(id.as_str()).unwrap());
    assert!(places.is_sorted());
    for text in [
        "→ backup",
        "failure 40",
        "end &#60;b&#62;user&#60;/b&#62;",
        "team-a",
        "/ui/logs/session?session=session+%26+one",
        "master",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("<b>"));
}

#[tokio::test]
async fn each_filter_leaves_what_fits() {
    let app = TestApp::new().await;
    let made = made(&app, json!({"key_alias": "ci", "user_id": "maria"})).await;
    let mut body = hello("primary");
    body["user"] = json!("hans");
    let request = chat_with(&app, made["key"].as_str().unwrap(), &body);
    let request = request.header("x-litellm-tags", "nightly");
    let reply = request.header("x-litellm-session-id", "s1").send();
    assert_eq!(reply.await.unwrap().status(), StatusCode::OK);
    ask(&app, &hello("nobody"), &[]).await;

    let visitor = Visitor::signed_in(&app).await;
    let hash = format!("key={}", made["token"].as_str().unwrap());
    for (query, found) in [
        ("", 2),
        ("status=failure", 1),
        ("status=lost", 0),
        ("model=primary", 1),
        (&format!("model={PRIMARY}"), 1),
        (&hash, 1),
        ("key=ci", 1),
        ("key=other", 0),
        ("user=maria", 1),
        ("end_user=hans", 1),
        ("session=s1", 1),
        ("tag=nightly", 1),
        ("unnamed=user", 1),
        ("unnamed=end_user&status=success", 0),
        ("unnamed=team", 2),
        ("tag=nightly&status=failure", 0),
        ("model=PRIM", 1),
        ("model=rimary", 0),
        ("failure=unknown_model", 1),
        ("failure=budget", 0),
        ("min_seconds=600", 0),
        ("min_seconds=0", 2),
        ("client=other", 2),
        ("period=today", 2),
        ("from=2020-01-01&to=2020-01-31", 0),
    ] {
        let page = visitor.page(&format!("/ui/logs?{query}")).await;
        assert_eq!(rows(&page), found, "{query}");
    }
}

#[tokio::test]
async fn a_request_is_found_by_its_id() {
    let app = TestApp::new().await;
    let id = ask(&app, &hello("primary"), &[]).await;
    let visitor = Visitor::signed_in(&app).await;
    let response = visitor.get(&format!("/ui/logs?id=+{id}+")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&response, "location"), format!("/ui/logs/{id}"));
    let response = visitor.get("/ui/logs?id=%3Cb%3E").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = response.text().await.unwrap();
    assert!(page.contains("Not a request id") && page.contains("value=\"&#60;b&#62;\""));

    let unknown = "chatcmpl-0190e1c2-0000-7000-8000-000000000000";
    for (path, status) in [
        (&*format!("/ui/logs/{unknown}"), StatusCode::NOT_FOUND),
        ("/ui/logs/nonsense", StatusCode::BAD_REQUEST),
        ("/ui/logs?after=nonsense", StatusCode::BAD_REQUEST),
        ("/ui/logs?from=nonsense", StatusCode::OK),
        ("/ui/logs/session", StatusCode::NOT_FOUND),
    ] {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(header(&response, "content-type").starts_with("text/html"));
        let stranger = Visitor::new(&app).get(path).await;
        assert_eq!(stranger.status(), StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap() {
    let app = TestApp::new().await;
    app.with_a_month_of_use().await;
    let visitor = Visitor::signed_in(&app).await;
    let mut path = "/ui/logs?tag=nightly&from=2000-01-01".to_owned();
    // A period of more than a year is refused in words.
    assert!(
        visitor
            .page(&path)
            .await
            .contains("The longest period, in days: 367.")
    );
    path = "/ui/logs?status=success&period=30".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = visitor.page(&path).await;
        let links = page.split("<a href=\"/ui/logs/chatcmpl-").skip(1);
        seen.extend(links.map(|link| link[..36].to_owned()));
        let Some(end) = page.find("\" rel=\"next\"") else {
            break;
        };
        let start = page[..end].rfind('"').unwrap() + 1;
        path = page[start..end].replace("&#38;", "&");
        assert!(path.contains("status=success"), "{path}");
    }
    let count = seen.len();
    assert!(count > 100, "{count}");
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
}

#[tokio::test]
async fn the_detail_shows_the_trail_and_what_each_kind_of_token_cost() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    let headers = [
        (
            "x-litellm-spend-logs-metadata",
            "{\"ticket\": \"<i>7</i>\"}",
        ),
        ("user-agent", "<script>agent</script>"),
        ("x-litellm-tags", "<u>tag</u>"),
        ("x-litellm-session-id", "s1"),
        ("x-litellm-call-id", "<call>"),
    ];
    let id = ask(&app, &hello("primary"), &headers).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page(&format!("/ui/logs/{id}")).await;
    for text in [
        "throttled 429",
        PRIMARY,
        BACKUP,
        "us-west-2",
        "cache read",
        "acompletion",
        "&#60;i&#62;7&#60;/i&#62;",
        "&#60;script&#62;agent",
        "&#60;u&#62;tag",
        "/ui/logs/session?session=s1",
        "store_prompts_in_spend_logs: true",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for markup in ["<i>", "<u>", "<script>agent", "<call>"] {
        assert!(!page.contains(markup), "{markup}");
    }
    let places = [PRIMARY, BACKUP].map(|model| page.rfind(model).unwrap());
    assert!(places.is_sorted());
}

#[tokio::test]
async fn a_failure_is_told_by_what_names_its_fault() {
    let app = TestApp::new().await;
    let words = "The \"text\" & the <b>image</b> field are not valid";
    let refused = validation_error(words);
    app.bedrock.script(PRIMARY, [refused]);
    let mut body = hello("primary");
    body["disable_fallbacks"] = json!(true);
    let id = ask(&app, &body, &[]).await;
    let page = Visitor::signed_in(&app)
        .await
        .page(&format!("/ui/logs/{id}"))
        .await;
    let named = "The &#34;text&#34; &#38; the &#60;…&#62;image&#60;…&#62; field are not valid";
    assert!(page.contains(named) && !page.contains("<b>"), "{page}");
    assert!(page.contains("failure 400"));
}

#[tokio::test]
async fn a_stored_prompt_and_reply_are_shown_as_text() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    app.bedrock
        .script(PRIMARY, [Step::text("<img src=x> is markup")]);
    let mut body = hello("primary");
    body["temperature"] = json!(0.25);
    let long = "line\n".repeat(500);
    body["messages"] = json!([
        {"role": "system", "content": long},
        {"role": "user", "content": "<script>alert(1)</script>"},
    ]);
    let id = ask(&app, &body, &[]).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page(&format!("/ui/logs/{id}")).await;
    assert!(
        page.contains("<p>&lt;script&gt;alert(1)&lt;/script&gt;")
            && !page.contains("<script>alert")
    );
    assert!(page.contains("&lt;img src=x&gt; is markup") && !page.contains("<img src=x"));
    assert!(page.contains("--data-binary &#39;{") && page.contains("/v1/chat/completions"));
    assert!(
        page.contains(
            "<h3>system</h3>\n<details class=\"piece\"><summary><span class=\"dim\">line…"
        ),
        "{page}"
    );
    assert!(page.contains("temperature"));
    let headers = [("x-litellm-enable-message-redaction", "true")];
    let id = ask(&app, &body, &headers).await;
    let page = visitor.page(&format!("/ui/logs/{id}")).await;
    assert!(page.contains("but not this one") && !page.contains("alert(1)"));
}

#[tokio::test]
async fn pictures_of_a_prompt_are_shown_and_nothing_else_is_served_as_one() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    let mut body = hello("primary");
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGNkYPjPgA0wYRUdtBIAO/8BD45CkvYAAAAASUVORK5CYII=";
    let url = format!("data:image/png;base64,{png}");
    body["messages"] = json!([{"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}},
    ]}]);
    let id = ask(&app, &body, &[]).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page(&format!("/ui/logs/{id}")).await;
    let address = format!("/ui/logs/{id}/picture/0");
    assert!(page.contains(&format!("<img src=\"{address}\"")), "{page}");
    let picture = visitor.get(&address).await;
    assert_eq!(header(&picture, "content-type"), "image/png");
    assert_eq!(header(&picture, "x-content-type-options"), "nosniff");
    assert!(picture.bytes().await.unwrap().starts_with(b"\x89PNG"));
    let none = visitor.get(&format!("/ui/logs/{id}/picture/1")).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        Visitor::new(&app).get(&address).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn what_was_said_is_found_where_it_is_stored() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    let mut body = hello("primary");
    body["messages"] = json!([{"role": "user", "content": "Where is the Red \"Fox\"?"}]);
    ask(&app, &body, &[]).await;
    let redacted = [("x-litellm-enable-message-redaction", "true")];
    ask(&app, &body, &redacted).await;
    ask(&app, &hello("primary"), &[]).await;
    let visitor = Visitor::signed_in(&app).await;
    for (text, found) in [("red+%22fox%22", 1), ("wolf", 0), ("messages", 0)] {
        let page = visitor.page(&format!("/ui/logs?text={text}")).await;
        assert_eq!(rows(&page), found, "{text}: {page}");
    }
    let page = visitor.page("/ui/logs?text=wolf").await;
    assert!(page.contains("No requests fit.") && page.contains("Searched back to"));
}

#[tokio::test]
async fn the_requests_of_a_session_lead_to_each_other() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for session in ["s", "other", "s", "s"] {
        let id = ask(
            &app,
            &hello("primary"),
            &[("x-litellm-session-id", session)],
        )
        .await;
        if session == "s" {
            ids.push(id);
        }
    }
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page(&format!("/ui/logs/{}", ids[1])).await;
    assert!(
        page.contains(&format!("rel=\"prev\" href=\"/ui/logs/{}\"", ids[0])),
        "{page}"
    );
    assert!(
        page.contains(&format!("rel=\"next\" href=\"/ui/logs/{}\"", ids[2])),
        "{page}"
    );
    let page = visitor.page(&format!("/ui/logs/{}", ids[0])).await;
    assert!(!page.contains("rel=\"prev\"") && page.contains("rel=\"next\""));

    let page = visitor.page("/ui/sessions").await;
    assert_eq!(
        page.matches("/ui/logs/session?session=").count(),
        2,
        "{page}"
    );
    assert!(page.contains("data-label=\"Requests\">3<"), "{page}");
    let page = visitor.page("/ui/sessions?client=codex").await;
    assert!(page.contains("No sessions in these requests."));
}

#[tokio::test]
async fn a_session_adds_up() {
    let app = TestApp::new().await;
    for session in ["s <1>", "other", "s <1>"] {
        ask(
            &app,
            &hello("primary"),
            &[("x-litellm-session-id", session)],
        )
        .await;
    }
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/logs/session?session=s+%3C1%3E").await;
    assert_eq!(
        page.matches("<th scope=\"row\" class=\"line\"><a href=\"/ui/logs/chatcmpl-")
            .count(),
        2
    );
    assert!(page.contains("s &#60;1&#62;") && page.contains("<strong>2</strong>"));
    let ids = page.split("<a href=\"/ui/logs/chatcmpl-").skip(1);
    let ids: Vec<_> = ids.map(|link| link[..36].to_owned()).collect();
    assert!(ids.is_sorted(), "the oldest first");
    let total = page.split("<strong>").nth(1).unwrap();
    let total = total.split('<').next().unwrap();
    assert!(
        page.contains(&format!("data-label=\"Cost so far\">{total}</td>")),
        "{total}: {page}"
    );
    let nobody = visitor.page("/ui/logs/session?session=nobody").await;
    assert!(nobody.contains("No requests fit."));
}

#[tokio::test]
async fn a_page_that_panics_answers_as_a_page() {
    let app = TestApp::builder().table_panics_at("Query").start().await;
    let visitor = Visitor::signed_in(&app).await;
    let response = visitor.get("/ui/logs").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(header(&response, "content-type").starts_with("text/html"));
    assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"));
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("The gateway failed while it made this page")
    );
}

#[tokio::test]
async fn a_filter_that_asks_nothing_is_told_and_a_name_that_nobody_has_too() {
    let app = TestApp::new().await;
    ask(&app, &hello("primary"), &[]).await;
    let visitor = Visitor::signed_in(&app).await;
    for (query, found, note) in [
        (
            "status=foo",
            1,
            "The filter Status was ignored: &#34;foo&#34; is not one of its values.",
        ),
        ("failure=foo", 1, "was ignored"),
        ("client=foo", 1, "was ignored"),
        ("min_seconds=1,5", 1, "was ignored"),
        (
            "key=nobody",
            0,
            "Key: nothing is named &#34;nobody&#34; now.",
        ),
        (
            "team=nobody",
            0,
            "Team: nothing is named &#34;nobody&#34; now.",
        ),
        (
            "model=nothing",
            0,
            "Model: nothing is named &#34;nothing&#34; now.",
        ),
    ] {
        let page = visitor.page(&format!("/ui/logs?{query}")).await;
        assert_eq!(rows(&page), found, "{query}");
        assert!(page.contains(note), "{query}: {page}");
    }
    for query in ["status=success", "model=prim", ""] {
        let page = visitor.page(&format!("/ui/logs?{query}")).await;
        assert!(!page.contains("note warn"), "{query}: {page}");
    }
}

#[tokio::test]
async fn a_request_leads_back_to_the_list_as_it_was() {
    let app = TestApp::new().await;
    let id = ask(&app, &hello("primary"), &[("x-litellm-tags", "nightly")]).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = async |referer: &str| {
        let response = visitor.get_from(&format!("/ui/logs/{id}"), referer).await;
        response.text().await.unwrap()
    };
    let list = "http://localhost/ui/logs?period=7&status=success&model=pri";
    let found = page(list).await;
    let back = "href=\"/ui/logs?period=7&#38;status=success&#38;model=pri\"";
    assert!(found.contains(back), "{found}");
    // Of what it leads to, the period stays.
    assert!(found.contains("href=\"/ui/logs?period=7&#38;tag=nightly\""));
    for other in [
        "http://localhost/ui/keys",
        "nonsense",
        "http://localhost/ui/logs",
    ] {
        let found = page(other).await;
        assert!(found.contains("<a href=\"/ui/logs\">←"), "{other}: {found}");
    }
}

#[tokio::test]
async fn pictures_that_a_tool_has_answered_with_are_shown() {
    let app = TestApp::builder()
        .settings("general_settings: {store_prompts_in_spend_logs: true}\n")
        .start()
        .await;
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGNkYPjPgA0wYRUdtBIAO/8BD45CkvYAAAAASUVORK5CYII=";
    let body = json!({"model": "primary", "max_tokens": 10,
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [
            {"type": "text", "text": "here it is"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}},
        ]}]},
    ]});
    let response = app.post("/v1/messages", &body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let id = header(&response, "x-sidecar-request-id").to_owned();
    app.settle().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page(&format!("/ui/logs/{id}")).await;
    let address = format!("/ui/logs/{id}/picture/0");
    assert!(page.contains(&format!("<img src=\"{address}\"")), "{page}");
    assert!(page.contains("here it is") && !page.contains("&#34;data&#34;: &#34;iVBOR\""));
    // Each that is read is in the audit log beside the page, whatever its request says of where it comes from.
    let page_address = format!("http://localhost/ui/logs/{id}");
    for (referer, entries) in [(&*page_address, 2), ("", 3)] {
        let picture = visitor.get_from(&address, referer).await;
        assert_eq!(header(&picture, "content-type"), "image/png");
        app.settle().await;
        let log = app.get_json("/audit").await;
        let read = format!("request={id}");
        let found = log["audit_logs"].as_array().unwrap().iter();
        let found = found
            .filter(|entry| entry.to_string().contains(&read))
            .count();
        assert_eq!(found, entries, "{referer}: {log}");
    }
}

#[tokio::test]
async fn an_address_that_lacks_something_is_told_on_a_page_with_its_navigation() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for path in [
        "/ui/team",
        "/ui/user",
        "/ui/logs/%ff",
        "/ui/logs/x/picture/y",
    ] {
        let response = visitor.get(path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert!(
            header(&response, "content-type").starts_with("text/html"),
            "{path}"
        );
        let page = response.text().await.unwrap();
        assert!(
            page.contains("lacks something") && page.contains("href=\"/ui/keys\""),
            "{path}: {page}"
        );
    }
}
