//! A month of plausible use, the same every time.

use std::time::Duration;

use bedrock_sidecar::conversation::Usage;
use bedrock_sidecar::spend::{Attempt, Record, RecordCaller, RecordFailure, RequestId, Status};
use fastrand::Rng;
use jiff::Timestamp;

use super::TestApp;

const TAGS: [&str; 4] = ["team-search", "team-billing", "nightly", "<i>markup</i>"];

impl TestApp {
    /// Writes the records of a month: more on weekdays, some of them failures.
    pub async fn with_a_month_of_use(&self) {
        let mut random = Rng::with_seed(11);
        let targets: Vec<_> = self.state.routes.configured_targets().cloned().collect();
        let now = Timestamp::now();
        for day in 0..30_u64 {
            for _ in 0..random.u32(if day % 7 < 2 { 1..4 } else { 6..14 }) {
                let target = &targets[random.usize(..targets.len())];
                let ago = Duration::from_secs(day * 86_400 + random.u64(..60_000));
                let caller = RecordCaller {
                    key_hash: ["ab".repeat(32), "cd".repeat(32), String::new()][random.usize(..3)]
                        .clone(),
                    ..RecordCaller::default()
                };
                let mut record = Record::new(RequestId::new(now - ago), target.group(), caller);
                let attempt = Attempt {
                    group: target.group().to_owned(),
                    deployment: target.deployment_id().to_owned(),
                    model: target.model_id().to_owned(),
                    region: target.deployment().region.clone(),
                    outcome: "ok".to_owned(),
                    status: Some(200),
                    ..Attempt::default()
                };
                let usage = Usage {
                    input: random.u64(200..9_000),
                    output: random.u64(50..4_000),
                    cache_read: random.u64(..120_000),
                    cache_write_5m: random.u64(..9_000),
                    ..Usage::default()
                };
                if random.u32(..10) == 0 {
                    record.error = Some(RecordFailure {
                        class: "throttling_error".to_owned(),
                        status: 429,
                        message: "Too many requests".to_owned(),
                    });
                    record.attempts = vec![attempt];
                } else {
                    record.status = Status::Success;
                    record.attempts = vec![
                        attempt.billed(usage, target.price(record.request_id.time()).as_deref()),
                    ];
                }
                record.tags = vec![TAGS[random.usize(..TAGS.len())].to_owned()];
                self.state.ledger.record(record).await.unwrap();
            }
        }
    }
}
