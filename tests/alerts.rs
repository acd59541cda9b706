//! Alerts: told once, whoever notices, to every channel, and never on the way of an answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use bedrock_sidecar::alerts::{
    AlertChannels, AlertOptions, EventBus, SlackWebhook, SnsTopic, USUAL_PERCENTS,
};
use bedrock_sidecar::simulator::{ScriptedReply, Step};
use bedrock_sidecar::store::{Embedded, Item, keys};
use bedrock_sidecar::transport::Transport;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

use crate::admin::Visitor;
use crate::support::keys::{chat_with, key};
use crate::support::table_proxy::{Fault, TableProxy};
use crate::support::{KEY, PRIMARY, TestApp, TestAppBuilder, hello, tokens};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alerts";
const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/default";

/// SNS, EventBridge and Slack in one: what was sent to each.
#[derive(Clone, Default)]
struct Receiver {
    seen: Arc<Mutex<Vec<(String, HeaderMap, String)>>>,
    /// How many of the next requests fail.
    failing: Arc<Mutex<usize>>,
    /// How long each takes.
    pause: Duration,
}

async fn receive(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    tokio::time::sleep(receiver.pause).await;
    let mut failing = receiver.failing.lock().unwrap();
    if *failing > 0 {
        *failing -= 1;
        return (StatusCode::INTERNAL_SERVER_ERROR, "not now");
    }
    let seen = (uri.path().to_owned(), headers, body);
    receiver.seen.lock().unwrap().push(seen);
    (StatusCode::OK, "{\"FailedEntryCount\": 0}")
}

impl Receiver {
    /// The options of a gateway that sends here.
    async fn start(&self) -> AlertOptions {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let at = |path: &str| format!("{url}/{path}").parse().ok();
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let credentials = SharedCredentialsProvider::new(credentials);
        AlertOptions {
            budget_percents: USUAL_PERCENTS.to_vec(),
            channels: AlertChannels {
                transport: Some(Transport::new(Some(credentials))),
                topic: Some(SnsTopic::new(TOPIC, at("sns")).unwrap()),
                event_bus: Some(EventBus::new(BUS, at("events")).unwrap()),
                slack: Some(SlackWebhook::new(&format!("{url}/slack")).unwrap()),
            },
        }
    }

    fn bodies(&self, path: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let bodies = seen.iter().filter(|(at, ..)| at == path);
        bodies.map(|(.., body)| body.clone()).collect()
    }

    /// The events on the bus, by their ids.
    fn events(&self) -> BTreeMap<String, Value> {
        let mut events = BTreeMap::new();
        for body in self.bodies("/events") {
            let body: Value = serde_json::from_str(&body).unwrap();
            let entry = &body["Entries"][0];
            assert_eq!(entry["Source"], "bedrock-sidecar");
            assert_eq!(entry["EventBusName"], BUS);
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            let id = detail["id"].as_str().unwrap().to_owned();
            assert_eq!(events.insert(id, detail), None, "it was told twice");
        }
        events
    }
}

/// Gateways over one table, whose requests cost $0.00495 each.
async fn gateway(builder: TestAppBuilder, options: &AlertOptions) -> TestApp {
    let app = builder.alerts(options.clone()).start().await;
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(1000, 100));
    app.bedrock.always(PRIMARY, Step::reply(reply));
    app
}

async fn ask(app: &TestApp, key: &str) -> StatusCode {
    let mut body = hello("primary");
    body["max_tokens"] = json!(10);
    let status = chat_with(app, key, &body).send().await.unwrap().status();
    app.settle().await;
    status
}

#[tokio::test]
async fn a_budget_is_told_of_once_at_each_threshold_whoever_notices() {
    let receiver = Receiver::default();
    let options = receiver.start().await;
    let app = gateway(TestApp::builder(), &options).await;
    let other = gateway(app.another(), &options).await;
    let settings =
        json!({"key_alias": "maria <!channel>", "max_budget": 0.0099, "soft_budget": 0.004});
    let maria = key(&app, settings).await;
    assert_eq!(ask(&app, &maria).await, 200);
    let thresholds = || {
        let events = receiver.events();
        let thresholds = events.values().map(|event| event["threshold"].clone());
        let mut thresholds: Vec<_> = thresholds
            .map(|said| said.as_str().unwrap().to_owned())
            .collect();
        thresholds.sort();
        thresholds
    };
    assert_eq!(thresholds(), ["50", "soft"]);
    // The other one finds the same reached, and that it was told.
    assert_eq!(ask(&other, &maria).await, 200);
    for _ in 0..3 {
        assert_eq!(ask(&app, &maria).await, 422);
        assert_eq!(ask(&other, &maria).await, 422);
    }
    assert_eq!(thresholds(), ["100", "50", "80", "soft"]);

    let events = receiver.events();
    let whole = events
        .values()
        .find(|event| event["threshold"] == "100")
        .unwrap();
    assert_eq!(whole["event"], "budget_crossed");
    assert_eq!(whole["event_group"], "key");
    assert_eq!(
        (&whole["spend"], &whole["max_budget"]),
        (&json!("0.0099"), &json!("0.0099"))
    );
    assert_eq!(whole["budget_percentage_used"], "100");

    let messages = receiver.bodies("/sns");
    assert_eq!(messages.len(), 4);
    let message: BTreeMap<_, _> = form_urlencoded::parse(messages[0].as_bytes()).collect();
    assert_eq!(
        (&*message["Action"], &*message["TopicArn"]),
        ("Publish", TOPIC)
    );
    assert!(message["Subject"].len() < 100);
    assert!(message["Message"].contains("0.00495"), "{message:?}");
    let seen = receiver.seen.lock().unwrap().clone();
    for (path, service, region) in [
        ("/sns", "sns", "eu-west-1"),
        ("/events", "events", "us-east-1"),
    ] {
        let (_, headers, _) = seen.iter().find(|(at, ..)| at == path).unwrap();
        let signature = headers["authorization"].to_str().unwrap();
        assert!(
            signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{signature}"
        );
        assert!(
            signature.contains(&format!("/{region}/{service}/aws4_request")),
            "{signature}"
        );
    }
    let notes = receiver.bodies("/slack");
    assert_eq!(notes.len(), 4);
    assert!(notes[0].contains("maria &lt;!channel&gt;"), "{}", notes[0]);
}

#[tokio::test]
async fn an_alert_that_was_not_sent_is_sent_again_to_those_who_have_not_had_it() {
    let receiver = Receiver::default();
    let options = receiver.start().await;
    let app = gateway(TestApp::builder(), &options).await;
    let maria = key(&app, json!({"max_budget": 0.02, "soft_budget": 0.004})).await;
    *receiver.failing.lock().unwrap() = 1;
    assert_eq!(ask(&app, &maria).await, 200);
    let sent = |path| receiver.bodies(path).len();
    assert_eq!(sent("/sns") + sent("/events") + sent("/slack"), 2);
    // Somebody else may be at it just now.
    let ask_for_little = async || {
        let little = ScriptedReply::text("Hi.").with_usage(tokens(1, 1));
        app.bedrock.script(PRIMARY, [Step::reply(little)]);
        assert_eq!(ask(&app, &maria).await, 200);
    };
    ask_for_little().await;
    assert_eq!(sent("/sns") + sent("/events") + sent("/slack"), 2);
    app.clock.advance(Duration::from_secs(61));
    ask_for_little().await;
    ask_for_little().await;
    assert_eq!([sent("/sns"), sent("/events"), sent("/slack")], [1, 1, 1]);
}

#[tokio::test]
async fn no_answer_waits_for_an_alert() {
    let receiver = Receiver {
        pause: Duration::from_secs(8),
        ..Receiver::default()
    };
    let options = receiver.start().await;
    let app = gateway(TestApp::builder(), &options).await;
    let maria = key(&app, json!({"soft_budget": 0.000001})).await;
    let began = Instant::now();
    for _ in 0..3 {
        let response = chat_with(&app, &maria, &hello("primary")).send().await;
        assert_eq!(response.unwrap().status(), 200);
    }
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn failures_a_resting_deployment_and_lost_records_are_told_of() {
    let receiver = Receiver::default();
    let options = receiver.start().await;
    let table = Arc::new(Embedded::in_memory().await.unwrap());
    let proxy = TableProxy::start(table.endpoint()).await;
    let builder = TestApp::builder()
        .table(&table, "test")
        .table_at(&proxy.url);
    let app = gateway(builder, &options).await;
    let denied = "You don't have access to the model with the specified model ID.";
    app.bedrock
        .always(PRIMARY, Step::fail(403, "AccessDeniedException", denied));
    for _ in 0..20 {
        let mut body = hello("primary");
        body["disable_fallbacks"] = json!(true);
        chat_with(&app, KEY, &body).send().await.unwrap();
    }
    app.settle().await;
    let kinds = || {
        let events = receiver.events();
        let kinds = events
            .values()
            .map(|event| event["event"].as_str().unwrap().to_owned());
        kinds.collect::<Vec<_>>()
    };
    assert!(
        kinds().contains(&"deployment_rests".to_owned()),
        "{:?}",
        kinds()
    );
    assert!(
        kinds().contains(&"requests_fail".to_owned()),
        "{:?}",
        kinds()
    );
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(1000, 100));
    app.bedrock.always(PRIMARY, Step::reply(reply));
    proxy.always(Some(Fault::InternalError));
    let mut body = hello("backup");
    body["disable_fallbacks"] = json!(true);
    chat_with(&app, KEY, &body).send().await.unwrap();
    app.settle().await;
    assert!(
        kinds().contains(&"spend_unrecorded".to_owned()),
        "{:?}",
        kinds()
    );
}

#[tokio::test]
async fn the_page_shows_what_was_sent_when_and_where() {
    let receiver = Receiver::default();
    let options = receiver.start().await;
    let app = gateway(TestApp::builder(), &options).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/alerts").await;
    assert!(
        page.contains("sns") && page.contains("eventbridge") && page.contains("slack"),
        "{page}"
    );
    assert!(page.contains("No alerts"), "{page}");
    let maria = key(
        &app,
        json!({"key_alias": "<b>maria</b>", "soft_budget": 0.004}),
    )
    .await;
    *receiver.failing.lock().unwrap() = 3;
    ask(&app, &maria).await;
    let page = visitor.page("/ui/alerts").await;
    assert!(
        page.contains("The soft budget is spent: Key=&#60;b&#62;maria"),
        "{page}"
    );
    assert!(page.contains("not now"), "why it was not sent: {page}");
    app.clock.advance(Duration::from_secs(61));
    ask(&app, &maria).await;
    let page = visitor.page("/ui/alerts").await;
    assert!(!page.contains("not now"), "{page}");
}

#[tokio::test]
async fn the_page_tells_alerts_in_the_language_of_its_reader() {
    let app = gateway(TestApp::builder(), &AlertOptions::default()).await;
    let maria = json!({"key_alias": "予算 <b>", "max_budget": 2, "soft_budget": 0.004});
    let maria = key(&app, maria).await;
    assert_eq!(ask(&app, &maria).await, 200);
    let denied = "You don't have access to the model with the specified model ID.";
    app.bedrock
        .always(PRIMARY, Step::fail(403, "AccessDeniedException", denied));
    for _ in 0..20 {
        let mut body = hello("primary");
        body["disable_fallbacks"] = json!(true);
        chat_with(&app, KEY, &body).send().await.unwrap();
    }
    app.settle().await;
    let english = Visitor::signed_in(&app).await;
    let japanese = Visitor::signed_in(&app).await.in_japanese();
    for (visitor, told) in [
        (
            &english,
            [
                "The soft budget is spent: Key=予算 &#60;b&#62;",
                "$0.00495, and the soft budget is $0.004. Requests are still served. The budget has no window",
                "requests failed within 5 minutes",
                "A deployment of primary is not called: ",
            ],
        ),
        (
            &japanese,
            [
                "ソフト予算に達しました：Key=予算 &#60;b&#62;",
                "ソフト予算 $0.004000 に対して $0.004950 を使用しました。リクエストは引き続き処理されます。この予算はリセットされません。",
                "5 分間に ",
                "primary のデプロイメントがクールダウンに入りました：",
            ],
        ),
    ] {
        let page = visitor.page("/ui/alerts").await;
        for words in told {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    // An alert of version 0.2.0 has no detail: its words are those that were stored.
    let mut alerts = app.state.alerts.page(10, None).await.unwrap().alerts;
    let mut older = alerts.swap_remove(0);
    older.detail.clear();
    let item = Item::new(&keys::alert("older"), &older).unwrap();
    app.state.table.put(item).await.unwrap();
    let page = japanese.page("/ui/alerts").await;
    assert!(
        page.contains(&older.title.replace('<', "&#60;").replace('>', "&#62;")),
        "{page}"
    );
}

#[tokio::test]
async fn every_alert_stands_on_one_page_and_no_page_is_long() {
    let app = gateway(TestApp::builder(), &AlertOptions::default()).await;
    let maria = json!({"key_alias": "maria", "max_budget": 2, "soft_budget": 0.004});
    let maria = key(&app, maria).await;
    assert_eq!(ask(&app, &maria).await, 200);
    app.settle().await;
    let found = app.state.alerts.page(10, None).await.unwrap().alerts;
    for n in 100..299 {
        let mut alert = found[0].clone();
        alert.id = format!("2020-01-01#key#{n} & more#80");
        alert.subject = format!("Key=number-{n}");
        let item = Item::new(&keys::alert(&alert.id), &alert).unwrap();
        app.state.table.put(item).await.unwrap();
    }
    let visitor = Visitor::signed_in(&app).await.in_japanese();
    let mut seen = Vec::new();
    let mut address = "/ui/alerts".to_owned();
    loop {
        let page = visitor.page(&address).await;
        assert!(page.len() < 60_000, "{address}: {}", page.len());
        let rows = page.split("Key=").skip(1);
        seen.extend(rows.map(|row| row.split('<').next().unwrap().to_owned()));
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else {
            break;
        };
        address = before.rsplit('"').next().unwrap().replace("&#38;", "&");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 200, "{seen:?}");
}
