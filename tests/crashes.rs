//! The real binary is killed, again and again, at every step of a request; afterwards its logs are replayed, and the
//! books hold every call that Bedrock billed. Run at length by `make crashes`.

use std::collections::BTreeSet;
use std::time::Duration;

use bedrock_sidecar::simulator::{ANY_MODEL, FaultKind, Simulated, Step};
use bedrock_sidecar::spend::{Record, Status};
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
const REQUESTS: [Kind; 5] = [
    Kind::Chat,
    Kind::Chat,
    Kind::Messages,
    Kind::Messages,
    Kind::Search,
];
/// So many clients search the web at the same time, each again and again.
const SEARCHES: [Kind; 20] = [Kind::Search; 20];
/// When a process that searches is killed.
const SEARCH_MOMENTS: [Moment; 6] = [
    Moment::Asked,
    Moment::Writing,
    Moment::Asked,
    Moment::Written,
    Moment::Asked,
    Moment::Logged,
];
/// A process that searches is killed after fewer searches than this.
const MOST_SEARCHES: usize = 80;
/// What one costs in US dollars, as nothing else is configured.
const SEARCH_PRICE: &str = "0.007";

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
    /// Bedrock has been asked, or what searches the web.
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

/// One request, read as far as it comes. Whether it was answered.
async fn ask(
    http: reqwest::Client,
    url: String,
    key: String,
    name: String,
    stream: bool,
    kind: Kind,
    seen: mpsc::Sender<()>,
) -> bool {
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
        return false;
    };
    loop {
        match response.chunk().await {
            Ok(Some(_)) => {
                seen.send(()).await.ok();
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Waits for the moment; some never come, when every request ended before.
async fn wait_for(
    moment: Moment,
    gateway: &Gateway,
    books: &Books,
    is_asked: impl Fn() -> bool,
    mut seen: mpsc::Receiver<()>,
) {
    let come = async {
        match moment {
            Moment::Any => sleep(Duration::from_millis(fastrand::u64(0..600))).await,
            Moment::Opened => gateway.says("spend_open").await,
            Moment::Asked => {
                while !is_asked() {
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

/// Processes that are killed at work on these requests, one at a time and each at one of these moments, for their logs: as
/// many as `crashes` says, and more until so many searches of the web were made. Clients that search go on searching.
async fn crash(
    crashes: usize,
    searches: usize,
    moments: &[Moment],
    kinds: &[Kind],
    stage: &Stage,
) -> Vec<Gateway> {
    let Stage {
        bedrock,
        search,
        books,
        yaml,
        variables,
        key,
    } = stage;
    let calls = || match kinds {
        [Kind::Search, ..] => search.queries().len(),
        _ => bedrock.requests().len(),
    };
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let mut gateways = Vec::new();
    for n in 0.. {
        if n >= crashes && search.queries().len() >= searches {
            break;
        }
        let moment = moments[n % moments.len()];
        books.proxy.always(match moment {
            Moment::Writing => Some(Fault::Swallowed),
            Moment::Written => Some(Fault::AnswerLost),
            Moment::Logged => Some(Fault::InternalError),
            _ => None,
        });
        let mut gateway = Gateway::start(yaml, variables).await;
        let is_again = matches!(kinds, [Kind::Search, ..]);
        let more = fastrand::usize(0..MOST_SEARCHES);
        let last = calls() + if is_again { more } else { 0 };
        let (tell, seen) = mpsc::channel(1000);
        let mut requests = JoinSet::new();
        for (k, &kind) in kinds.iter().enumerate() {
            let (http, url, key) = (http.clone(), gateway.url.clone(), key.clone());
            let name = format!("call-{n}-{k}");
            let tell = tell.clone();
            requests.spawn(async move {
                let ask = |name| {
                    let (http, url, key) = (http.clone(), url.clone(), key.clone());
                    ask(http, url, key, name, k % 2 == 0, kind, tell.clone())
                };
                let mut again = 0;
                while ask(format!("{name}-{again}")).await && is_again {
                    again += 1;
                }
            });
        }
        drop(tell);
        wait_for(moment, &gateway, books, || calls() > last, seen).await;
        gateway.kill();
        while requests.join_next().await.is_some() {}
        gateways.push(gateway);
    }
    books.proxy.always(None);
    gateways
}

/// A request that was refused before it was opened, such as for a table that did not hold its price: nothing was called for
/// it.
fn is_refused(record: &Record) -> bool {
    record.status == Status::Failure && record.attempts.is_empty()
}

/// Each request that was opened is one record, and each call that Bedrock billed belongs to one.
fn check(contents: &Contents, opened: usize, billed: &[String]) {
    contents.assert_balanced();
    let records = &contents.records;
    let asked: BTreeSet<_> = records.iter().map(|record| &record.model_asked).collect();
    assert_eq!(asked.len(), records.len(), "no request is counted twice");
    let (refused, begun): (Vec<_>, Vec<_>) = records.iter().partition(|record| is_refused(record));
    assert_eq!(
        begun.len(),
        opened,
        "one record for each request that was opened"
    );
    for record in refused {
        assert_eq!(record.spend_known(), Decimal::ZERO, "{record:?}");
        assert!(!billed.contains(&record.model_asked), "{record:?}");
    }
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

/// What searched the web, by the names of the requests.
fn searched(search: &AgentCore) -> impl Iterator<Item = String> {
    let queries = search.queries().into_iter();
    queries.map(|query| query["searchQuery"].as_str().unwrap().to_owned())
}

/// Replays what the processes have written and checks the books, twice: the second replay must find nothing. Returns them,
/// and prints a line about them that begins with `what`.
async fn replayed(what: &str, stage: &Stage, gateways: &[Gateway], billed: &[String]) -> Contents {
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
    let accounts_then = accounts(stage).await;
    let account = &accounts_then[0];
    println!(
        "{} crashes with {what} each: {opened} opened; {before} records before the replay, {} after it; billed were {} calls \
         of {} requests; the records and the totals say ${}, the budget ${} and {} holds of requests that were never \
         opened\n{}",
        gateways.len(),
        contents.records.len(),
        billed.len(),
        billed.iter().collect::<BTreeSet<_>>().len(),
        contents.totals.spend.normalize(),
        account.spent.normalize(),
        account.holds.len(),
        replayed.text
    );
    assert!(replayed.ok, "{replayed:?}");
    check(&contents, opened, billed);
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
    assert_eq!(accounts(stage).await, accounts_then);
    contents
}

/// The number in this variable of the environment.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_process_is_killed_every_call_that_bedrock_billed_is_a_record() {
    let crashes = number("CRASHES", MOMENTS.len());
    let stage = Stage::new().await;
    let gateways = crash(crashes, 0, &MOMENTS, &REQUESTS, &stage).await;
    let mut billed = billed(&stage.bedrock);
    billed.extend(searched(&stage.search));
    let what = format!("{} requests", REQUESTS.len());
    replayed(&what, &stage, &gateways, &billed).await;
}

/// Run with `SEARCHES=1000` by `make crashes`.
#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_process_is_killed_every_search_is_paid_for_once() {
    let searches = number("SEARCHES", 100);
    let crashes = SEARCH_MOMENTS.len();
    let stage = Stage::new().await;
    let gateways = crash(crashes, searches, &SEARCH_MOMENTS, &SEARCHES, &stage).await;
    let billed: Vec<String> = searched(&stage.search).collect();
    assert!(billed.len() >= searches);
    let what = format!("{} clients that search", SEARCHES.len());
    let contents = replayed(&what, &stage, &gateways, &billed).await;
    let price: Decimal = SEARCH_PRICE.parse().unwrap();
    let records = contents.records.iter();
    let paid: Vec<_> = records.filter(|record| !is_refused(record)).collect();
    for record in &paid {
        assert_eq!(record.spend_known(), price, "{record:?}");
    }
    assert_eq!(contents.totals.spend, price * Decimal::from(paid.len()));
    assert!(stage.bedrock.requests().is_empty());
}
