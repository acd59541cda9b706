//! A day of very many records, in the file of an embedded table.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bedrock_sidecar::catalog::Catalog;
use bedrock_sidecar::conversation::Usage;
use bedrock_sidecar::spend::{
    Attempt, Ledger, LedgerOptions, Record, RecordCaller, RequestId, Status, Written,
};
use bedrock_sidecar::store::{Embedded, keys};
use dynoxide::{AttributeValue, Database, ImportOptions, Item};
use jiff::Timestamp;
use serde_json::json;

pub const TABLE: &str = "volume";

/// After so many records everything in them but their time, their session and their id begins again.
const KINDS: u64 = 1_000;

/// Items in one transaction of the filling.
const AT_ONCE: u64 = 5_000;

/// So many records, evenly over the day that began then.
#[derive(Clone, Copy)]
pub struct Day {
    pub began: Timestamp,
    pub many: u64,
}

/// One of 50 keys.
pub fn hash(key: u64) -> String {
    format!("{key:064x}")
}

impl Day {
    /// What is a record's own.
    fn beginning(&self, n: u64) -> Record {
        let at = self.began + Duration::from_millis(n * 86_400_000 / self.many);
        let caller = RecordCaller {
            key_hash: hash(n % 50),
            key_alias: Some(format!("team-{}", n % 50)),
            end_user: Some(format!("u{}", n % 1000)),
            session_id: Some(format!("s{}", n / 20)),
            client: Some("opencode/1.18.33 ai-sdk/provider-utils/4.0.1 runtime/bun/1.3.0".into()),
            ..RecordCaller::default()
        };
        let mut record = Record::new(RequestId::new(at), "claude-sonnet-5-5", caller);
        record.end = record.start + Duration::from_secs(7);
        record.first_token = Some(record.start + Duration::from_millis(900));
        record
    }

    /// With what it shares with the others of its kind.
    fn record(&self, n: u64) -> Record {
        let mut record = self.beginning(n);
        record.stop_reason = Some("end_turn".into());
        record.stream = true;
        record.tags = vec![format!("team-{}", n % 20)];
        let model = [
            "us.anthropic.claude-sonnet-5-5",
            "us.anthropic.claude-opus-5-5",
        ][n as usize % 2];
        let attempt = Attempt {
            group: "claude-sonnet-5-5".into(),
            deployment: "ab".repeat(32),
            model: model.into(),
            region: "us-east-1".into(),
            outcome: "ok".into(),
            status: Some(200),
            ms: 7000,
            ..Attempt::default()
        };
        record.attempts = if n.is_multiple_of(50) {
            vec![attempt]
        } else {
            record.status = Status::Success;
            let usage = Usage {
                input: 200 + n % 8,
                output: 400 + n % 25,
                cache_read: 60_000,
                cache_write_5m: 3_000,
                ..Usage::default()
            };
            let price = Catalog::bundled().resolve(model, None, None).price;
            vec![attempt.billed(usage, price.as_ref())]
        };
        record
    }

    /// The first record of each kind goes through the books, so that the totals have every row that such a day has. Of
    /// the others the file gets the items that the books would have made, for which the books would take hours.
    pub async fn fill(self, embedded: &Embedded, folder: &Path) {
        let database = Database::new(folder.join("table.db").to_str().unwrap()).unwrap();
        let mut kinds = Vec::new();
        for n in 0..KINDS {
            kinds.push(written(embedded, &database, TABLE, self.record(n)).await);
        }
        let bytes = serde_json::to_string(&kinds[1]).unwrap().len();
        println!("an item like {bytes} bytes of DynamoDB's JSON");
        for n in [KINDS, self.many / 2, self.many - 1] {
            let record = self.record(n);
            let made = like(&kinds[(n % KINDS) as usize], &record);
            let real = written(embedded, &database, "compared", record).await;
            assert_eq!(made, real, "as the books would have written it");
        }
        let filling = Instant::now();
        let import = move || self.import(&database, kinds);
        tokio::task::spawn_blocking(import).await.unwrap();
        println!("{} records in {:.1?}", self.many, filling.elapsed());
    }

    /// One thread makes items, the other writes them.
    fn import(self, database: &Database, kinds: Vec<Item>) {
        let (made, ready) = mpsc::sync_channel(2);
        let make = move || {
            let mut first = KINDS;
            while first < self.many {
                let end = self.many.min(first + AT_ONCE);
                let items = (first..end)
                    .map(|n| like(&kinds[(n % KINDS) as usize], &self.beginning(n)))
                    .collect::<Vec<_>>();
                made.send(items).unwrap();
                first = end;
            }
        };
        let making = thread::spawn(make);
        database.enable_bulk_loading().unwrap();
        for items in ready {
            let imported = database.import_items(TABLE, items, ImportOptions::default());
            imported.unwrap();
        }
        making.join().unwrap();
    }
}

/// The item that the books make of this record.
async fn written(embedded: &Embedded, database: &Database, table: &str, record: Record) -> Item {
    let books = embedded.table(table).await.unwrap();
    let ledger = Ledger::new(books, LedgerOptions::default());
    let id = record.request_id;
    assert_eq!(ledger.record(record).await.unwrap(), Written::Now);
    let key = keys::spend_record(id.time(), id.shard(), &id.to_string());
    let call = json!({"TableName": table, "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}}});
    let found = database.get_item(serde_json::from_value(call).unwrap());
    found.unwrap().item.unwrap()
}

/// The item of another record of the same kind.
fn like(kind: &Item, record: &Record) -> Item {
    let id = record.request_id;
    let key = keys::spend_record(id.time(), id.shard(), &id.to_string());
    let session = record.caller.session_id.as_deref().unwrap();
    let mut item = kind.clone();
    for (name, text) in [
        ("pk", key.pk),
        ("sk", key.sk),
        ("request_id", id.to_string()),
        ("startTime", record.start.to_string()),
        (
            "completionStartTime",
            record.first_token.unwrap().to_string(),
        ),
        ("endTime", record.end.to_string()),
        ("session_id", session.to_owned()),
        ("by_session", keys::by_session(session)),
    ] {
        item.insert(name.to_owned(), AttributeValue::S(text));
    }
    if let Some(AttributeValue::M(movement)) = item.get_mut("movement") {
        let totals = keys::usage_partition(id.day(), id.shard());
        movement.insert("pk".to_owned(), AttributeValue::S(totals));
    }
    item
}
