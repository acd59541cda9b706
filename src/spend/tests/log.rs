//! What the table does not take goes to the log.

use tracing::subscriber::DefaultGuard;

use super::*;

/// A ledger whose table is gone, and what is logged meanwhile.
async fn without_a_table() -> (Ledger, Lines, DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (embedded, ledger) = fresh().await;
    embedded.stop().await;
    let write = WriteLimits {
        total: Duration::from_millis(300),
        attempt: Duration::from_millis(100),
    };
    let options = LedgerOptions {
        write,
        ..LedgerOptions::default()
    };
    (Ledger::new(ledger.table, options), lines, guard)
}

#[tokio::test]
async fn a_table_that_is_down_costs_its_time_limit_and_the_record_goes_to_the_log() {
    let (ledger, lines, _guard) = without_a_table().await;
    let mut record = record_at(noon());
    record.reservations.own = vec![Reservation {
        key: keys::budget("k", None),
        held: d("0.25"),
    }];
    ledger.log_pending(&PendingRequest::of(&record, 12)).await;
    let began = Instant::now();
    let outcome = ledger.record(record.clone()).await;
    assert!(outcome.is_err());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    let open = lines.find("spend_open");
    assert!(
        open["fields"]["open"]
            .as_str()
            .unwrap()
            .contains(r#"{"key":{"pk":"key#k","sk":"budget#ever"},"held":0.25}"#)
    );
    let line = lines.find("spend_unrecorded");
    let json = line["fields"]["record"].as_str().unwrap();
    let mut replayed: Record = serde_json::from_str(json).unwrap();
    assert_eq!(replayed.freeze(), record.freeze());
    record.reservations.own.clear();
    assert_eq!(replayed, record);
}

#[tokio::test]
async fn a_record_whose_day_could_not_be_told_of_its_shard_goes_to_the_log_whole() {
    let (ledger, lines, _guard) = without_a_table().await;
    let mut record = record_in(7, noon());
    record.reservations.own = vec![Reservation {
        key: keys::budget("k", None),
        held: d("0.25"),
    }];
    assert!(ledger.record(record.clone()).await.is_err());
    let line = lines.find("spend_unrecorded");
    let json = line["fields"]["record"].as_str().unwrap();
    let mut replayed: Record = serde_json::from_str(json).unwrap();
    assert_eq!(
        replayed.freeze(),
        record.freeze(),
        "with what settles its budget"
    );
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn find(&self, what: &str) -> serde_json::Value {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let line = text.lines().find(|line| line.contains(what));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no {what} in {text}"))).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}
