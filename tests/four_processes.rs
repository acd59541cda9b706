//! Four processes share a team's budget.

use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Simulated, Step};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::books::Books;
use crate::support::process::Gateway;
use crate::support::{CONFIG, KEY, PRIMARY, all_models, tokens};
use crate::teams::sized;

const PROCESSES: usize = 4;
const COME_AGAIN: Duration = Duration::from_millis(100);

/// Sends a request with a key, again where it is told to come again. Returns its status and body.
async fn sent(http: &reqwest::Client, url: &str, key: &str, body: &Value) -> (u16, Value) {
    let mut pause = COME_AGAIN;
    loop {
        let request = http.post(url).bearer_auth(key).json(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.json().await.unwrap();
        if status != 429 && status != 503 {
            return (status, body);
        }
        sleep(pause).await;
        pause *= 2;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_over_fifty_keys_and_four_processes_do_not_overshoot_a_team_s_budget() {
    let bedrock = Simulated::start(all_models()).await.unwrap();
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(5, 1196));
    bedrock.always(PRIMARY, Step::reply(reply));
    let books = Books::new().await;
    let variables = books.variables(&bedrock);
    let starts = (0..PROCESSES).map(|_| Gateway::start(CONFIG, &variables));
    let gateways = join_all(starts).await;
    let http = reqwest::Client::new();
    let make = async |path: &str, settings: Value| {
        let url = format!("{}{path}", gateways[0].url);
        let (status, made) = sent(&http, &url, KEY, &settings).await;
        assert_eq!(status, 200, "{made}");
        made
    };
    // Each request may cost 0.020295 and costs 0.0197505: fifty fit at once, and one more after these were paid.
    let team = make("/team/new", json!({"team_id": "t", "max_budget": 1.01475})).await;
    assert_eq!(team["max_budget"], 1.01475);
    let keys = join_all((0..50).map(|_| make("/key/generate", json!({"team_id": "t"})))).await;

    let body = sized();
    let asked = (0..PROCESSES * 50).map(|n| {
        let url = format!("{}/v1/chat/completions", gateways[n % PROCESSES].url);
        let key = keys[n % 50]["key"].as_str().unwrap();
        let (http, body) = (&http, &body);
        async move { sent(http, &url, key, body).await.0 }
    });
    let answers = join_all(asked).await;
    let paid = answers.iter().filter(|status| **status == 200).count();
    let refused = answers.iter().filter(|status| **status == 422).count();
    assert_eq!(paid + refused, PROCESSES * 50, "{answers:?}");
    assert!((45..=51).contains(&paid), "{paid}");
    assert_eq!(bedrock.requests().len(), paid);

    // A process ends once all of its records are written and settled.
    for mut gateway in gateways {
        gateway.terminate();
        assert!(gateway.ended().await.success());
    }
    let last = Gateway::start(CONFIG, &variables).await;
    let url = format!("{}/team/info?team_id=t", last.url);
    let info = http.get(url).bearer_auth(KEY).send().await.unwrap();
    let info: Value = info.json().await.unwrap();
    let spent = info["team_info"]["spend"].as_f64().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a hundred at most")]
    let expected = 0.019_750_5 * paid as f64;
    assert!((spent - expected).abs() < 1e-9, "{spent} {expected}");
    assert!(spent <= 1.01475);
}
