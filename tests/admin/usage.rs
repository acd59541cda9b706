//! The Usage page.

use std::collections::{BTreeSet, HashMap};

use bedrock_sidecar::simulator::{ScriptedReply, Step, Tokens};
use serde_json::json;

use super::Visitor;
use crate::support::keys::{chat_as, key};
use crate::support::{PRIMARY, TestApp, header, hello};

/// One answer whose cost is known, one failure, both with a tag that would be markup.
async fn used() -> TestApp {
    let app = TestApp::new().await;
    let usage = Tokens {
        input: 1_000_000,
        output: 1_000_000,
        cache_read: 3_000_000,
        ..Tokens::default()
    };
    let costly = Step::reply(ScriptedReply::text("Hi.").with_usage(usage));
    app.bedrock.script(PRIMARY, [costly, Step::throttle()]);
    let mut body = hello("primary");
    body["metadata"] = json!({"tags": ["<b>=1+1</b>"]});
    body["disable_fallbacks"] = json!(true);
    app.chat_json(&body).await;
    app.chat(&body).await;
    app.settle().await;
    app
}

#[tokio::test]
async fn the_page_shows_what_was_spent_on_what() {
    let app = used().await;
    let visitor = Visitor::signed_in(&app).await;
    for query in ["", "?period=today", "?period=7", "?period=month"] {
        let page = visitor.page(&format!("/ui/usage{query}")).await;
        // Above 200,000 prompt tokens: 6.6 in, 24.75 out, 0.66 for each million read.
        assert!(page.contains("<strong>$33.33</strong>"), "{query}: {page}");
        assert!(
            page.contains("<strong>2</strong>") && page.contains("1 failed"),
            "{query}"
        );
        assert!(page.contains("<strong>75.0 %</strong>"), "{query}");
        assert!(page.contains("<strong>$17.82</strong>"), "saved: {query}");
        assert!(page.contains(PRIMARY), "{query}");
        assert!(page.contains("<path class=\"bars s0\"") && page.contains(": $33.33"));
        assert!(!page.contains("id=\"days\""), "one or the other: {query}");
    }
    let table = visitor.page("/ui/usage?period=7&table=1").await;
    assert!(
        table.contains("id=\"days\"") && !table.contains("<path class=\"bars"),
        "the days as a table instead of charts: {table}"
    );
    let today = bedrock_sidecar::store::time::day(jiff::Timestamp::now());
    assert!(table.contains(&format!("day={today}\">{today}</a>")));
    let page = visitor.page("/ui/usage?period=7").await;
    let failed = format!("<a href=\"/ui/logs?day={today}&#38;status=failure\"");
    assert!(
        page.contains("Failures by cause") && page.contains(&failed),
        "{page}"
    );
    for (split, name, behind) in [
        ("model", PRIMARY, "&amp;model="),
        ("key", "master key", "&amp;key="),
        ("client", "other clients", "&amp;client=other"),
        ("user", "no user", "&amp;unnamed=user"),
        ("tag", "&#60;b&#62;=1+1", "&amp;tag=%3Cb%3E%3D1%2B1"),
    ] {
        let page = visitor
            .page(&format!("/ui/usage?period=7&split={split}"))
            .await;
        assert!(
            page.contains(name) && !page.contains("<b>"),
            "{split}: {page}"
        );
        let requests = format!("/ui/logs?period=7{behind}");
        assert!(
            page.contains(&requests.replace("&amp;", "&#38;")),
            "{split}: {page}"
        );
    }
}

#[tokio::test]
async fn totals_are_about_what_is_asked_and_lead_to_the_requests_behind_them() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let team = json!({"team_id": "red", "team_alias": "Red team"});
    app.post("/team/new", &team).send().await.unwrap();
    let mine = key(
        &app,
        json!({"key_alias": "mine", "user_id": "maria", "team_id": "red"}),
    )
    .await;
    let broke = key(&app, json!({"key_alias": "broke", "max_budget": 0})).await;
    assert_eq!(chat_as(&app, &mine, &hello("primary")).await.status(), 200);
    assert_eq!(chat_as(&app, &mine, &hello("backup")).await.status(), 200);
    assert_ne!(chat_as(&app, &broke, &hello("primary")).await.status(), 200);
    app.settle().await;

    let page = visitor.page("/ui/usage?split=model&team=red").await;
    assert!(
        page.contains("<strong>2</strong>") && page.contains("Team: Red team"),
        "{page}"
    );
    let page = visitor.page("/ui/usage?split=team").await;
    assert!(
        page.contains("Red team") && page.contains("no team"),
        "{page}"
    );
    let page = visitor
        .page("/ui/usage?split=key&user=maria&compare=1")
        .await;
    assert!(
        page.contains("</span>mine</a>")
            && !page.contains("</span>broke</a>")
            && page.contains("vs. before"),
        "{page}"
    );

    // A refusal is no use of a model, and says why there was none.
    let page = visitor.page("/ui/usage?period=today").await;
    assert!(
        page.contains("refused before any model") && page.contains("over budget 1"),
        "{page}"
    );
    assert!(!page.contains("no configured model"));
    let refused = "/ui/logs?period=today&failure=budget";
    assert!(page.contains(&refused.replace('&', "&#38;")), "{page}");
    let page = visitor.page(refused).await;
    assert!(
        page.contains(">broke<") && !page.contains(">mine<"),
        "{page}"
    );

    // What is not counted together is said, with the way to the records.
    let page = visitor.page("/ui/usage?split=tag&user=maria").await;
    assert!(
        page.contains("Tags are counted by themselves") && page.contains("/ui/logs?"),
        "{page}"
    );
    let refused = visitor.get("/ui/usage.csv?by=tag&user=maria").await;
    assert_eq!(refused.status(), 400);
    let file = lines(&csv(&visitor, "by=model&user=maria").await);
    assert_eq!(file.len(), 2, "{file:?}");
    let file = lines(&csv(&visitor, "by=team").await);
    let teams: BTreeSet<&str> = file.iter().map(|line| &*line["team"]).collect();
    assert_eq!(teams, BTreeSet::from(["", "red"]));
}

#[tokio::test]
async fn a_period_without_requests_says_what_to_do() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor
        .page("/ui/usage?from=2020-01-01&to=2020-01-31")
        .await;
    assert!(page.contains("No requests in this period.") && page.contains("value=\"2020-01-31\""));
}

#[tokio::test]
async fn a_period_that_is_none_is_told() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for query in [
        "from=yesterday",
        "from=2026-02-30",
        "from=2026-01-02&to=2026-01-01",
        "from=2020-01-01&to=2026-01-01",
    ] {
        // A page says it beside the form; a file has no place for it.
        let page = visitor.page(&format!("/ui/usage?{query}")).await;
        assert!(
            page.contains("id=\"wrong-period\"") && page.contains("Usage"),
            "{query}: {page}"
        );
        let response = visitor.get(&format!("/ui/usage.csv?{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        assert!(header(&response, "content-type").starts_with("text/html"));
        let page = response.text().await.unwrap();
        assert!(page.contains("<nav"), "an error is no dead end: {page}");
    }
}

/// A file's lines, each as its fields by the names of their columns.
fn lines(file: &str) -> Vec<HashMap<String, String>> {
    let mut lines = file.trim_end().split("\r\n").map(fields);
    let head = lines.next().unwrap();
    let named = |line: Vec<String>| {
        assert_eq!(line.len(), head.len(), "{file}");
        head.iter().cloned().zip(line).collect()
    };
    lines.map(named).collect()
}

/// The fields of a line without line ends in them, unquoted.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

async fn csv(visitor: &Visitor, query: &str) -> String {
    let response = visitor.get(&format!("/ui/usage.csv?{query}")).await;
    assert_eq!(response.status(), 200, "{query}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn the_numbers_can_be_taken_along() {
    let app = used().await;
    let visitor = Visitor::signed_in(&app).await;
    let response = visitor.get("/ui/usage.csv?by=model&period=today").await;
    assert!(header(&response, "content-type").starts_with("text/csv"));
    let name = header(&response, "content-disposition");
    assert!(name.starts_with("attachment; filename=\"usage-20") && name.contains("by-model"));
    let file = response.text().await.unwrap();
    assert!(file.starts_with("day,model,key_sha256,key_alias,tag,requests,"));
    let [line] = &lines(&file)[..] else {
        panic!("{file}");
    };
    assert_eq!(line["model"], PRIMARY);
    assert_eq!(
        (&*line["spend_usd"], &*line["cache_saving_usd"]),
        ("33.33", "17.82")
    );
    let closed = Visitor::new(&app).get("/ui/usage.csv").await;
    assert_eq!(closed.status(), 303);
}

#[tokio::test]
async fn every_line_of_a_file_counts_the_same_kind_of_thing_so_that_its_columns_add_up() {
    let app = used().await;
    // A second key and a second model, with two tags.
    let key = key(&app, json!({"key_alias": "maria"})).await;
    let mut body = hello("last");
    body["metadata"] = json!({"tags": ["a", "b"]});
    assert_eq!(chat_as(&app, &key, &body).await.status(), 200);
    app.settle().await;

    let visitor = Visitor::signed_in(&app).await;
    let file = async |by: &str| lines(&csv(&visitor, &format!("{by}period=today")).await);
    let by_day = file("").await;
    assert_eq!((by_day.len(), &*by_day[0]["requests"]), (1, "3"));
    assert_eq!(file("by=day&").await, by_day);
    let numbers = [
        "requests",
        "failures",
        "spend_usd",
        "cache_saving_usd",
        "input_tokens",
        "output_tokens",
    ];
    for (by, column, count) in [("model", "model", 2), ("key", "key_sha256", 2)] {
        let file = file(&format!("by={by}&")).await;
        assert_eq!(file.len(), count, "{file:?}");
        assert!(file.iter().all(|line| !line[column].is_empty()));
        for number in numbers {
            let amount = |line: &HashMap<String, String>| -> f64 { line[number].parse().unwrap() };
            let sum: f64 = file.iter().map(amount).sum();
            let whole = amount(&by_day[0]);
            assert!((sum - whole).abs() < 1e-9, "{number} by {by}: {file:?}");
        }
    }
    let by_key = file("by=key&").await;
    let mut aliases: Vec<_> = by_key.iter().map(|line| &*line["key_alias"]).collect();
    aliases.sort_unstable();
    assert_eq!(aliases, ["litellm_proxy_master_key", "maria"]);
    let by_tag = file("by=tag&").await;
    let tags: Vec<_> = by_tag.iter().map(|line| &*line["tag"]).collect();
    assert_eq!(tags, ["<b>=1+1</b>", "a", "b"]);
    assert!(by_tag.iter().all(|line| line["model"].is_empty()));
}

#[tokio::test]
async fn the_page_links_to_each_kind_of_file_and_an_unknown_kind_is_told() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/usage?period=7").await;
    for by in [
        "day", "model", "key", "user", "team", "client", "end_user", "tag",
    ] {
        let link = format!("href=\"/ui/usage.csv?by={by}&#38;period=7\" download");
        assert!(page.contains(&link), "{by}: {page}");
    }
    let response = visitor.get("/ui/usage.csv?by=colour").await;
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains("by=model"));
}

#[tokio::test]
async fn what_a_client_has_named_is_no_formula_in_any_spreadsheet() {
    let app = TestApp::new().await;
    let hostile = [
        "=1+1",
        "  @SUM(1)",
        "x;=cmd",
        "x;\"+1",
        "y\t-1",
        "z\r=1",
        "＝1+1",
        "\u{3000}＋1",
    ];
    for tag in hostile {
        let mut body = hello("primary");
        body["metadata"] = json!({"tags": [tag]});
        app.chat_json(&body).await;
    }
    app.settle().await;
    let file = csv(&Visitor::signed_in(&app).await, "by=tag&period=today").await;
    assert_eq!(lines(&file).len(), hostile.len(), "{file}");
    // Whatever a reader takes for the separator, quotes or not.
    for separators in [&[','][..], &[';'], &['\t'], &[',', ';', '\t', '\r', '\n']] {
        for cell in file.split(separators) {
            let text = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
            let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
            assert!(!formula, "{cell:?} of {file}");
        }
    }
}

#[tokio::test]
async fn a_key_is_named_as_people_call_it() {
    let app = TestApp::new().await;
    let body = json!({"key_alias": "maria's <laptop>"});
    let key = key(&app, body).await;
    let reply = chat_as(&app, &key, &hello("primary")).await;
    assert_eq!(reply.status(), 200);
    app.settle().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/usage?period=today&split=key").await;
    assert!(page.contains("maria&#39;s &#60;laptop&#62;"), "{page}");
}

#[tokio::test]
async fn what_is_not_counted_together_has_no_numbers() {
    let app = used().await;
    let visitor = Visitor::signed_in(&app).await;
    for query in [
        "split=model&tag=%3Cb%3E%3D1%2B1&user=nobody",
        "split=tag&user=nobody",
    ] {
        let page = visitor.page(&format!("/ui/usage?{query}")).await;
        assert!(page.contains("Tags are counted by themselves"), "{query}");
        assert!(!page.contains("<path class=\"bars"), "{query}: {page}");
    }
    let page = visitor.page("/ui/usage?split=tag").await;
    assert!(
        page.contains("&#38;tag=%3Cb%3E%3D1%2B1%3C%2Fb%3E\">Filter"),
        "{page}"
    );
    let nobody = visitor.page("/ui/usage?user=nobody").await;
    assert!(
        nobody.contains("Nothing was counted under these names"),
        "{nobody}"
    );
    let sessions = visitor
        .get("/ui/usage?split=session&user=maria&period=7")
        .await;
    assert_eq!(
        header(&sessions, "location"),
        "/ui/sessions?period=7&user=maria"
    );
}
