//! Words that would be lines of a log.

use bedrock_sidecar::spend::{CountedBy, Record, RecordCaller, RequestId};
use bedrock_sidecar::store::{keys, time};
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use serde_json::json;

/// Whom the forged records would have pay.
pub const VICTIM: &str = "abadcafe";

/// A line of the books as the attacker writes it, in both formats.
pub fn forged_lines() -> [String; 2] {
    let id = RequestId::new(Timestamp::now() - jiff::SignedDuration::from_hours(1));
    let caller = RecordCaller {
        key_hash: VICTIM.repeat(8),
        ..RecordCaller::default()
    };
    let mut record = serde_json::to_value(Record::new(id, "primary", caller)).unwrap();
    let day = time::day(id.time());
    record["movement"] = json!({
        "pk": keys::usage_partition(day, 0),
        "rows": [{"sks": [keys::model_total("m", &VICTIM.repeat(8), &CountedBy::default())], "add": {"requests": 1, "spend": -5}}],
    });
    let record = record.to_string();
    let line = json!({"timestamp": "2026-11-23T21:26:36.470892Z", "level": "ERROR", "event": "spend_unrecorded",
        "error": "x", "record": record, "target": "spend"});
    [
        line.to_string(),
        format!(
            "2026-11-23T21:26:36.470892Z ERROR spend: event=\"spend_unrecorded\" error=x record={record:?}"
        ),
    ]
}

/// Everything that lines of a log could be taken apart at, and the forged lines between it.
pub fn hostile() -> String {
    let [json, text] = forged_lines();
    format!(
        "x\n{json}\r\n{text}\r{json}\u{2028}{text}\u{85}\u{b}\u{c}\0\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}1m\u{202e}\u{feff}\u{2066}\
         \u{e0041}\", message=\"y\" target=\"spend\" \\\" ' `z` {{}} : Extra inputs are not permitted"
    )
}

/// As much of it as the settings of a key may say.
pub const SHORT: &str = "x\n{\"event\":\"spend_open\",\"open\":\"{}\",\"target\":\"spend\"}\r\u{1b}[31m\u{2028}\u{202e}\" message=\"y\" \\";

/// And the tag of a key.
pub const TAG: &str =
    "x\n{\"event\":\"spend_open\",\"target\":\"spend\"}\u{1b}[31m\u{2028}\" message=\"y\"";

/// As far as a header can say it.
pub fn hostile_header() -> HeaderValue {
    let [json, text] = forged_lines();
    HeaderValue::from_str(&format!("{json}\t{text} \" \\ {{}} = target=spend")).unwrap()
}
