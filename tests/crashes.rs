//! The real binary is killed, again and again, at every step of a request; afterwards its logs are replayed, and the
//! books hold every call that Bedrock billed. Run at length by `make crashes`.

use std::collections::BTreeSet;
use std::time::Duration;

use bedrock_sidecar::catalog::Catalog;
use bedrock_sidecar::shell::simulated::{ANY_MODEL, FaultKind, Options, Simulated, Step};
use bedrock_sidecar::spend::Status;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::books::Books;
use crate::support::process::{Gateway, replay};
use crate::support::table_proxy::Fault;
use crate::support::{BACKUP, KEY, LAST, PRIMARY};

const ANSWER: &str = "one two three four five six seven eight nine ten eleven twelve";
/// At the same time, half of them streamed.
const REQUESTS: usize = 4;

/// When the process is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Some time within a request's life.
    Any,
    /// Its opening is in the log.
    Opened,
    /// Bedrock has been asked.
    Asked,
    /// The client has a piece of the answer.
    Answering,
    /// Its record is on its way to the table.
    Writing,
    /// Its record is in the table, and nobody has said so yet.
    Written,
}

const MOMENTS: [Moment; 8] = [
    Moment::Any,
    Moment::Opened,
    Moment::Any,
    Moment::Asked,
    Moment::Answering,
    Moment::Writing,
    Moment::Any,
    Moment::Written,
];

/// Each request asks for a model of its own, so that whatever Bedrock saw finds its record.
fn yaml() -> String {
    format!(
        "
model_list:
  - model_name: call-*
    litellm_params: {{model: bedrock/{PRIMARY}, aws_region_name: us-east-1}}
  - model_name: backup
    litellm_params: {{model: bedrock/{BACKUP}, aws_region_name: us-east-1}}
  - model_name: last
    litellm_params: {{model: bedrock/{LAST}, aws_region_name: us-east-1}}
router_settings:
  fallbacks: [{{call-*: [backup, last]}}]
  num_retries: 0
  disable_cooldowns: true
  request_timeout: 5
"
    )
}

async fn bedrock() -> Simulated {
    let catalog = Catalog::bundled();
    let options =
        Options::new(|id| Some(catalog.resolve(id, None, None)).filter(|model| model.known));
    let bedrock = Simulated::start(options.with_pace(Duration::from_millis(5)))
        .await
        .unwrap();
    let text = || Step::text(ANSWER);
    let mut steps = vec![text(); 5];
    steps.extend([
        Step::throttle(),
        Step::unavailable(),
        Step::reset(),
        text().cut_after(4),
        text().fault(4, FaultKind::End),
        text().slow_first_event(Duration::from_millis(100)),
    ]);
    bedrock.sometimes(ANY_MODEL, 1.0, steps);
    bedrock
}

/// One request, read as far as it comes.
async fn ask(
    http: reqwest::Client,
    url: String,
    name: String,
    stream: bool,
    seen: tokio::sync::mpsc::Sender<()>,
) {
    let body =
        json!({"model": name, "stream": stream, "messages": [{"role": "user", "content": name}]});
    let url = format!("{url}/v1/chat/completions");
    let Ok(mut response) = http.post(url).bearer_auth(KEY).json(&body).send().await else {
        return;
    };
    while let Ok(Some(_)) = response.chunk().await {
        seen.send(()).await.ok();
    }
}

/// Waits for the moment; some never come, when every request ended before.
async fn wait_for(
    moment: Moment,
    gateway: &Gateway,
    bedrock: &Simulated,
    books: &Books,
    before: usize,
    mut seen: tokio::sync::mpsc::Receiver<()>,
) {
    let come = async {
        match moment {
            Moment::Any => sleep(Duration::from_millis(fastrand::u64(0..250))).await,
            Moment::Opened => gateway.says("spend_open").await,
            Moment::Asked => {
                while bedrock.requests().len() == before {
                    sleep(Duration::from_millis(1)).await;
                }
            }
            Moment::Answering => drop(seen.recv().await),
            Moment::Writing | Moment::Written => books.proxy.silent().await,
        }
    };
    timeout(Duration::from_secs(20), come).await.ok();
}

/// The markers of the calls that Bedrock began to answer, one for each.
fn billed(bedrock: &Simulated) -> Vec<String> {
    let calls = bedrock
        .requests()
        .into_iter()
        .filter(|seen| seen.status == 200);
    calls
        .map(|seen| {
            seen.body["messages"][0]["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_process_is_killed_every_call_that_bedrock_billed_is_a_record() {
    let crashes = std::env::var("CRASHES").map_or(8, |text| text.parse().unwrap());
    let (bedrock, books) = (bedrock().await, Books::new().await);
    let (yaml, variables) = (yaml(), books.variables(&bedrock));
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let mut gateways = Vec::new();
    for n in 0..crashes {
        let moment = MOMENTS[n % MOMENTS.len()];
        books.proxy.always(match moment {
            Moment::Writing => Some(Fault::Swallowed),
            Moment::Written => Some(Fault::AnswerLost),
            _ => None,
        });
        let mut gateway = Gateway::start(&yaml, &variables).await;
        let before = bedrock.requests().len();
        let (tell, seen) = tokio::sync::mpsc::channel(1000);
        let mut requests = JoinSet::new();
        for k in 0..REQUESTS {
            let (http, url, name) = (http.clone(), gateway.url.clone(), format!("call-{n}-{k}"));
            requests.spawn(ask(http, url, name, k % 2 == 0, tell.clone()));
        }
        drop(tell);
        wait_for(moment, &gateway, &bedrock, &books, before, seen).await;
        gateway.kill();
        while requests.join_next().await.is_some() {}
        gateways.push(gateway);
    }
    books.proxy.always(None);

    let logs: Vec<_> = gateways.iter().map(Gateway::log_file).collect();
    let opened: usize = gateways
        .iter()
        .map(|gateway| gateway.log().matches("event=\"spend_open\"").count())
        .sum();
    let before = books.contents().await;
    before.assert_balanced();
    let replayed = replay(&yaml, &variables, &["--grace", "0s"], &logs).await;
    let contents = books.contents().await;
    let billed = billed(&bedrock);
    let lost = contents
        .records
        .iter()
        .filter(|record| record.status == Status::Lost)
        .count();
    println!(
        "{crashes} crashes of {REQUESTS} requests: {opened} opened, {} records before and {} after the replay, {lost} of \
         them lost; Bedrock billed {} calls of {} requests; the records and the totals say ${}\n{}",
        before.records.len(),
        contents.records.len(),
        billed.len(),
        billed.iter().collect::<BTreeSet<_>>().len(),
        contents.totals.spend.normalize(),
        replayed.text
    );
    assert!(replayed.ok, "{replayed:?}");
    contents.assert_balanced();
    let asked: BTreeSet<_> = contents
        .records
        .iter()
        .map(|record| &record.model_asked)
        .collect();
    assert_eq!(
        asked.len(),
        contents.records.len(),
        "no request is counted twice"
    );
    assert_eq!(
        contents.records.len(),
        opened,
        "one record for each request that was opened"
    );
    let unknown: Vec<_> = billed.iter().filter(|name| !asked.contains(name)).collect();
    assert!(
        unknown.is_empty(),
        "billed and not in the books: {unknown:?}"
    );
    // A whole record knows of every call; a lost one stands for all of its request's.
    for record in contents
        .records
        .iter()
        .filter(|record| record.status != Status::Lost)
    {
        let calls = billed
            .iter()
            .filter(|name| **name == record.model_asked)
            .count();
        let known = record
            .attempts
            .iter()
            .filter(|attempt| attempt.usage.is_some())
            .count();
        assert_eq!(known, calls, "{record:?}");
    }

    // Another process, and so other tokens: only the records themselves say that they are there.
    let again = replay(&yaml, &variables, &["--grace", "0s"], &logs).await;
    assert!(
        again.ok && again.text.contains("\nwritten: 0 records, 0 lost"),
        "{again:?}"
    );
    assert_eq!(books.contents().await, contents);
}
