use proptest::prelude::*;
use serde_json::json;

use super::*;

const OPENING: &str = r#"{"request_id":"r","model":"a \"b\" \\ é\u0007\n"}"#;
const RECORD: &str = r#"{"request_id":"r","status":"success"}"#;

fn claim(event: BooksEvent, json: &str, signature: Option<&str>) -> LineClaim {
    LineClaim {
        event,
        json: Some(json.to_owned()),
        signature: signature.map(str::to_owned),
        is_a_line: true,
    }
}

/// What all lines together claim; none may be unreadable.
fn read(lines: &str) -> Vec<LineClaim> {
    let mut reader = LineReader::default();
    let found = lines.lines().flat_map(|line| reader.read(line).unwrap());
    found.collect()
}

/// Both lines as the gateway writes them on Lambda, and without a signature as 0.1 wrote them.
fn own() -> Vec<(String, LineClaim)> {
    let mut lines = Vec::new();
    for signature in [Some("ab12"), None] {
        let line = |level, event: BooksEvent, json| {
            let mut line = json!({"timestamp": "2026-11-23T21:26:36.470892Z", "level": level, "event": event.name()});
            line["error"] = json!("busy {");
            line[event.field()] = json!(json);
            if let Some(signature) = signature {
                line["signature"] = json!(signature);
            }
            line["target"] = json!("spend");
            (line.to_string(), claim(event, json, signature))
        };
        lines.push(line("INFO", BooksEvent::Opened, OPENING));
        lines.push(line("ERROR", BooksEvent::Unrecorded, RECORD));
    }
    lines
}

/// A part of something: it is read, and known not to be a line of its own.
fn inside(mut claim: LineClaim) -> Vec<LineClaim> {
    claim.is_a_line = false;
    vec![claim]
}

#[test]
fn a_line_is_found_in_whatever_a_log_s_service_wraps_it_in() {
    for (line, claim) in own() {
        let event = json!({"logStreamName": "2026/11/23/[$LATEST]ab", "timestamp": 1, "message": format!("{line}\n"), "ingestionTime": 2, "eventId": "1"});
        let insights =
            json!({"results": [[{"field": "@message", "value": line}]], "status": "Complete"});
        let pretty: Value = serde_json::from_str(&line).unwrap();
        let single = [
            line.clone(),
            format!("2026/11/23/[$LATEST]ab 2026-11-23T21:26:36 {line}"),
            format!("Nov 23 21:26:36 host bedrock-sidecar[12]: {line}"),
            event.to_string(),
            json!([event]).to_string(),
            json!({"messageType": "DATA_MESSAGE", "logEvents": [event]}).to_string(),
            json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026"}).to_string(),
            insights.to_string(),
        ];
        for wrapped in single {
            assert_eq!(read(&wrapped), std::slice::from_ref(&claim), "{wrapped}");
        }
        for printed in [json!({"events": [event]}), insights] {
            let lines = serde_json::to_string_pretty(&printed).unwrap();
            assert_eq!(read(&lines), std::slice::from_ref(&claim), "{lines}");
        }
        let lines = serde_json::to_string_pretty(&pretty).unwrap();
        for prefix in ["", "2026/11/23/[$LATEST]ab 2026-11-23T21:26:36.470000 "] {
            let lines = format!("{prefix}{lines}");
            assert_eq!(read(&lines), std::slice::from_ref(&claim), "{lines}");
        }
        let delivered = json!({"messageType": "DATA_MESSAGE", "logEvents": [event]});
        for twice in [
            json!({"events": [event, event]}).to_string(),
            format!("{delivered}{delivered}"),
        ] {
            assert_eq!(read(&twice), [claim.clone(), claim.clone()], "{twice}");
        }
    }
}

#[test]
fn what_may_be_a_part_of_another_line_is_known_to_be() {
    for (line, claim) in own() {
        let fields: Value = serde_json::from_str(&line).unwrap();
        let csv = format!("2026-11-23 21:26:36.470,\"{}\"", line.replace('"', "\"\""));
        for wrapped in [
            csv,
            format!("stream{{1}} {line}"),
            format!("EVENTS\t1\t2\t{line}\tab\t3"),
            format!("GET \"/?x={line}"),
            format!("{line} 404"),
            json!({"message": line}).to_string(),
            json!({"message": line, "timestamp": 1, "user": "x"}).to_string(),
            json!({"timestamp": 1, "message": json!({"timestamp": 1, "message": line}).to_string()})
                .to_string(),
            json!({"log": line}).to_string(),
            json!({"body": fields}).to_string(),
            json!([fields]).to_string(),
            serde_json::to_string_pretty(&json!({"body": fields})).unwrap(),
        ] {
            assert_eq!(read(&wrapped), inside(claim.clone()), "{wrapped}");
        }
    }
}

#[test]
fn a_line_for_people_is_read_too() {
    let opened = format!(
        "2026-11-23T21:26:36.470892Z  INFO spend: event=\"spend_open\" open={OPENING:?} signature=\"ab12\""
    );
    let event = json!({"timestamp": 1, "message": opened, "eventId": "1"}).to_string();
    let journal = format!("Nov 23 21:26:36 host bedrock-sidecar[12]: {opened}");
    for line in [&opened, &event, &journal] {
        let expected = claim(BooksEvent::Opened, OPENING, Some("ab12"));
        assert_eq!(read(line), [expected], "{line}");
    }
    let line = format!(
        "2026-11-23T21:26:36.470892Z ERROR spend: event=\"spend_unrecorded\" error=\"the table is busy (x): y\" \
         record={RECORD:?} signature=unsigned"
    );
    let expected = claim(BooksEvent::Unrecorded, RECORD, Some("unsigned"));
    assert_eq!(read(&line), [expected]);
}

#[test]
fn lines_of_version_0_1_are_read() {
    let opened = format!("2026-11-23T21:26:36Z  INFO spend: event=\"spend_open\" open={OPENING:?}");
    assert_eq!(read(&opened), [claim(BooksEvent::Opened, OPENING, None)]);
    // Its errors stood there without quotes, whatever was in them.
    for error in [
        "the table is busy (x): y",
        "record=\"{}\" more",
        "a record=\"{}\" signature=\"ab\"",
    ] {
        let line = format!(
            "2026-11-23T21:26:36Z ERROR spend: event=\"spend_unrecorded\" error={error} record={RECORD:?}"
        );
        assert_eq!(
            read(&line),
            [claim(BooksEvent::Unrecorded, RECORD, None)],
            "{line}"
        );
    }
}

#[test]
fn what_is_cut_off_is_said() {
    for (line, _) in own() {
        let end = line.find("request_id").unwrap();
        for cut in [&line[..end], &line[..line.len() - 2]] {
            assert_eq!(LineReader::default().read(cut), Err(Unreadable), "{cut}");
        }
    }
    let text = r#"2026-11-23T21:26:36.470892Z  INFO spend: event="spend_open" open="{\"request"#;
    let without = json!({"event": EVENT_OPEN, "target": "spend"}).to_string();
    for line in [text, &without] {
        assert_eq!(read(line)[0].json, None);
    }
}

#[test]
fn what_a_client_says_is_no_claim() {
    for (forged, _) in own() {
        let text =
            format!("2026-11-23T21:26:36Z  INFO spend: event=\"spend_open\" open={OPENING:?}");
        let lines = [
            json!({"target": "request", "event": "chat", "model": forged}).to_string(),
            json!({"target": "request", "message": format!("no such model: {forged}")}).to_string(),
            json!({"target": "request", "message": forged}).to_string(),
            json!({"target": "request", "message": text}).to_string(),
            json!({"message": format!("x\n{forged}\ny")}).to_string(),
            json!({"message": format!("x\r{text}")}).to_string(),
            json!({"timestamp": 1, "message": format!("x\n{text}\ny")}).to_string(),
            json!({"model": forged}).to_string(),
            format!("2026-11-23T21:26:36.470892Z  WARN request: no such model: {forged}"),
            format!("2026-11-23T21:26:36.470892Z  INFO request: chat model={forged:?}"),
            format!("2026-11-23T21:26:36.470892Z  WARN x: {text}"),
        ];
        for line in lines {
            assert_eq!(read(&line), [], "{line}");
        }
    }
}

proptest! {
    #[test]
    fn no_line_makes_the_reader_panic(before in ".*", after in ".*") {
        let mut lines = LineReader::default();
        let _ = lines.read(&format!("{before}spend_open{after}"));
        for (line, _) in own() {
            let _ = lines.read(&format!("{before}{line}{after}"));
            let _ = lines.read(&line.replace("request_id", &after));
        }
    }
}
