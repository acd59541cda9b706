//! The real binary is killed, again and again, at every step of a request; afterwards its logs are replayed, and the
//! books hold every call that Bedrock billed. Run at length by `make crashes`.

use std::collections::BTreeSet;
use std::time::Duration;

use bedrock_sidecar::simulator::{ANY_MODEL, FaultKind, Simulated, Step};
use bedrock_sidecar::spend::Status;
use bedrock_sidecar::store::{Account, keys};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::books::{Books, Contents};
use crate::support::process::{Gateway, replay};
use crate::support::table_proxy::Fault;
use crate::support::{BACKUP, KEY, LAST, PRIMARY, all_models};
use crate::web_search::AgentCore;

const ANSWER: &str = "one two three four five six seven eight nine ten eleven twelve";
/// At the same time: streamed and not, of each the one by Converse and the other in Claude's own format, and a search of the
/// web.
const REQUESTS: usize = 5;

/// Whose key it is: the team, its member, and all keys have budgets too.
const TEAM: &str = "team";
const MEMBER: &str = "member";

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
    /// Its record is in the log, because the table did not take it in time.
    Logged,
}

const MOMENTS: [Moment; 9] = [
    Moment::Any,
    Moment::Opened,
    Moment::Any,
    Moment::Asked,
    Moment::Answering,
    Moment::Writing,
    Moment::Any,
    Moment::Written,
    Moment::Logged,
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
  request_timeout: 30
  record_timeout: 2
general_settings:
  max_budget: 1000000
  web_search: {{provider: agentcore, region: eu-west-1}}
"
    )
}

async fn bedrock() -> Simulated {
    let bedrock = Simulated::start(all_models().with_pace(Duration::from_millis(5)))
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
        text().error_event_after(4, "overloaded_error", "busy"),
    ]);
    bedrock.sometimes(ANY_MODEL, 1.0, steps);
    bedrock
}

/// What the processes stand in.
struct Stage {
    bedrock: Simulated,
    search: AgentCore,
    books: Books,
    yaml: String,
    variables: Vec<(&'static str, String)>,
    /// Its budget is large enough for all requests.
    key: String,
}

impl Stage {
    async fn new() -> Self {
        let (bedrock, books, yaml) = (bedrock().await, Books::new().await, yaml());
        let mut variables = books.variables(&bedrock);
        let (search, address) = AgentCore::start().await;
        variables.push(("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", address));
        let gateway = Gateway::start(&yaml, &variables).await;
        let make = async |path: &str, settings: Value| -> Value {
            let request = reqwest::Client::new().post(format!("{}{path}", gateway.url));
            let request = request.bearer_auth(KEY).json(&settings);
            request.send().await.unwrap().json().await.unwrap()
        };
        let team =
            json!({"team_id": TEAM, "max_budget": 1_000_000, "team_member_budget": 1_000_000});
        make("/team/new", team).await;
        let settings = json!({"max_budget": 1_000_000, "team_id": TEAM, "user_id": MEMBER});
        let made = make("/key/generate", settings).await;
        Self {
            key: made["key"].as_str().unwrap().to_owned(),
            bedrock,
            search,
            books,
            yaml,
            variables,
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// By Converse.
    Chat,
    /// In Claude's own format.
    Messages,
    /// A search of the web, on the same wire.
    Search,
}

/// One request, read as far as it comes.
async fn ask(
    http: reqwest::Client,
    url: String,
    key: String,
    name: String,
    stream: bool,
    kind: Kind,
    seen: mpsc::Sender<()>,
) {
    let mut body = json!({"model": name, "stream": stream, "max_tokens": 1000, "messages": [{"role": "user", "content": name}]});
    if kind == Kind::Search {
        let words = format!("Perform a web search for the query: {name}");
        body["messages"][0]["content"] = json!(words);
        body["tools"] = json!([{"type": "web_search_20250305", "name": "web_search"}]);
    }
    let path = match kind {
        Kind::Chat => "/v1/chat/completions",
        Kind::Messages | Kind::Search => "/v1/messages",
    };
    let url = format!("{url}{path}");
    let Ok(mut response) = http.post(url).bearer_auth(key).json(&body).send().await else {
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
    mut seen: mpsc::Receiver<()>,
) {
    let come = async {
        match moment {
            Moment::Any => sleep(Duration::from_millis(fastrand::u64(0..600))).await,
            Moment::Opened => gateway.says("spend_open").await,
            Moment::Asked => {
                while bedrock.requests().len() == before {
                    sleep(Duration::from_millis(1)).await;
                }
            }
            Moment::Answering => drop(seen.recv().await),
            Moment::Writing | Moment::Written => books.proxy.silent().await,
            Moment::Logged => gateway.says("spend_unrecorded").await,
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

/// So many processes that are killed at work, for their logs.
async fn crash(crashes: usize, stage: &Stage) -> Vec<Gateway> {
    let Stage {
        bedrock,
        books,
        yaml,
        variables,
        key,
        ..
    } = stage;
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
            Moment::Logged => Some(Fault::InternalError),
            _ => None,
        });
        let mut gateway = Gateway::start(yaml, variables).await;
        let before = bedrock.requests().len();
        let (tell, seen) = mpsc::channel(1000);
        let mut requests = JoinSet::new();
        for k in 0..REQUESTS {
            let (http, url, key) = (http.clone(), gateway.url.clone(), key.clone());
            let name = format!("call-{n}-{k}");
            let kind = match k {
                0 | 1 => Kind::Chat,
                2 | 3 => Kind::Messages,
                _ => Kind::Search,
            };
            requests.spawn(ask(http, url, key, name, k % 2 == 0, kind, tell.clone()));
        }
        drop(tell);
        wait_for(moment, &gateway, bedrock, books, before, seen).await;
        gateway.kill();
        while requests.join_next().await.is_some() {}
        gateways.push(gateway);
    }
    books.proxy.always(None);
    gateways
}

/// Each request that was opened is one record, and each call that Bedrock billed belongs to one.
fn check(contents: &Contents, opened: usize, billed: &[String]) {
    contents.assert_balanced();
    let records = &contents.records;
    let asked: BTreeSet<_> = records.iter().map(|record| &record.model_asked).collect();
    assert_eq!(asked.len(), records.len(), "no request is counted twice");
    assert_eq!(
        records.len(),
        opened,
        "one record for each request that was opened"
    );
    let unknown: Vec<_> = billed.iter().filter(|name| !asked.contains(name)).collect();
    assert!(
        unknown.is_empty(),
        "billed and not in the books: {unknown:?}"
    );
    // A whole record knows of every call; a lost one stands for all of its request's.
    for record in records
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
}

/// The budget has paid for what the records say; what it still holds is of requests that were killed before they were
/// opened, and so before Bedrock heard of them.
fn check_budget(account: &Account, contents: &Contents) {
    assert_eq!(account.spent, contents.totals.spend);
    let own: Decimal = account.holds.values().map(|hold| hold.amount).sum();
    let markers = || account.buckets.values().flatten();
    let shared: Decimal = markers().map(|(_, amount)| amount).sum();
    assert_eq!(account.committed, account.spent + own + shared);
    for record in &contents.records {
        let id = record.request_id;
        let is_held = account.holds.contains_key(&id.to_string())
            || markers().any(|(marker, _)| *marker == id.marker());
        assert!(!is_held, "{id}: {account:?}");
    }
}

/// The accounts of every budget that has paid for the requests.
async fn accounts(stage: &Stage) -> Vec<Account> {
    let mut accounts = vec![stage.books.budget(&stage.key).await];
    for key in [
        keys::member_budget(TEAM, MEMBER, None),
        keys::team_budget(TEAM, None),
        keys::common_budget(None),
    ] {
        accounts.push(stage.books.account(&key).await);
    }
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_process_is_killed_every_call_that_bedrock_billed_is_a_record() {
    let crashes = std::env::var("CRASHES").map_or(MOMENTS.len(), |text| text.parse().unwrap());
    let stage = Stage::new().await;
    let gateways = crash(crashes, &stage).await;
    let logs: Vec<_> = gateways.iter().map(Gateway::log_file).collect();
    let opened: usize = gateways
        .iter()
        .map(|gateway| gateway.log().matches("event=\"spend_open\"").count())
        .sum();
    let before = stage.books.contents().await.records.len();

    // A process that has only just started may not have the secret yet with which it signs.
    let options = ["--grace", "0s", "--accept-unsigned"];
    let replay_all = async || replay(&stage.yaml, &stage.variables, &options, &logs).await;
    let replayed = replay_all().await;
    let contents = stage.books.contents().await;
    let accounts_then = accounts(&stage).await;
    let account = &accounts_then[0];
    let mut billed = billed(&stage.bedrock);
    let queries = stage.search.queries().into_iter();
    billed.extend(queries.map(|query| query["searchQuery"].as_str().unwrap().to_owned()));
    println!(
        "{crashes} crashes with {REQUESTS} requests each: {opened} opened; {before} records before the replay, {} after \
         it; Bedrock billed {} calls of {} requests; the records and the totals say ${}, the budget ${} and {} holds of \
         requests that were never opened\n{}",
        contents.records.len(),
        billed.len(),
        billed.iter().collect::<BTreeSet<_>>().len(),
        contents.totals.spend.normalize(),
        account.spent.normalize(),
        account.holds.len(),
        replayed.text
    );
    assert!(replayed.ok, "{replayed:?}");
    check(&contents, opened, &billed);
    for account in &accounts_then {
        check_budget(account, &contents);
    }

    // Another process, and so other tokens: only the records themselves say that they are there.
    let again = replay_all().await;
    assert!(
        again.ok && again.text.contains("\nwritten: 0 records, 0 lost"),
        "{again:?}"
    );
    assert_eq!(stage.books.contents().await, contents);
    assert_eq!(accounts(&stage).await, accounts_then);
}
