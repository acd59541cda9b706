//! Fills a local table with two months of a company's use, so that the admin pages can be looked at as they are where
//! they are used: `make demo`. Everything goes in by the ways that the gateway itself writes.

mod people;
mod talk;
mod traffic;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bedrock_sidecar::clock::Clock;
use bedrock_sidecar::config;
use bedrock_sidecar::keys::{KeyOptions, Keyring};
use bedrock_sidecar::spend::{Ledger, LedgerOptions};
use bedrock_sidecar::store::{Embedded, WriteLimits};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use people::Company;
use traffic::{Request, Traffic};

/// The embedded table's name, as the gateway opens it.
const TABLE: &str = "bedrock-sidecar";
const REQUESTS: usize = 40_000;
const DAYS: u64 = 60;
/// Records that are written at the same time: they share transactions.
const AT_ONCE: usize = 200;
const COMMIT_DELAY: Duration = Duration::from_millis(5);
/// A busy machine may take long for one write. One that is given up and tried again is work for the table twice, which
/// only makes the others wait longer.
const LONGEST_WRITE: Duration = Duration::from_secs(120);

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: demo FOLDER [REQUESTS]")?);
    let requests = match arguments.next() {
        Some(number) => number.parse()?,
        None => REQUESTS,
    };
    let (config, _) = config::load("default_config.yml", &|name| std::env::var(name).ok())?;
    let embedded = Embedded::open(&folder).await?;
    let table = embedded.table(TABLE).await?;
    let began = Instant::now();
    let clock = Clock::default();
    let keyring = Keyring::new(
        table.clone(),
        clock,
        KeyOptions {
            common: None,
            hold: Duration::from_secs(1_000),
            user_budget_on_team_keys: false,
        },
        TaskTracker::new(),
    );
    if !keyring.list().await?.is_empty() {
        return Err(format!(
            "{} is filled already: delete it for a new one",
            folder.display()
        )
        .into());
    }
    let now = Timestamp::now();
    let company = Company::found(&keyring).await?;
    let options = LedgerOptions {
        write: WriteLimits {
            total: LONGEST_WRITE,
            attempt: LONGEST_WRITE,
        },
        commit_delay: COMMIT_DELAY,
        ..LedgerOptions::of(&config)
    };
    let ledger = Arc::new(Ledger::new(table.clone(), options));
    let traffic = Traffic::new(&config, &company, now, DAYS);
    let mut written = 0_usize;
    let writes = traffic.requests(requests).map(|request| {
        let ledger = Arc::clone(&ledger);
        async move { write(&ledger, request).await }
    });
    let mut writes = futures_util::stream::iter(writes).buffer_unordered(AT_ONCE);
    while let Some(outcome) = writes.next().await {
        outcome?;
        written += 1;
        if written.is_multiple_of(5_000) {
            println!("{written} requests in {:.0?}", began.elapsed());
        }
    }
    company.spend(&table, now).await?;
    embedded.stop().await;
    println!(
        "{written} requests of {DAYS} days are in {}",
        folder.display()
    );
    Ok(())
}

async fn write(ledger: &Ledger, request: Request) -> Result<(), Error> {
    let Request { record, content } = request;
    let id = record.request_id;
    ledger.record(record).await?;
    if let Some(content) = content {
        let kept = ledger.options().content_retention;
        ledger.keep_content(&id, content, kept, LONGEST_WRITE).await;
    }
    Ok(())
}
