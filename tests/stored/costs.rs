//! What storing costs, in units of the table: a write unit is 1 KB, a strongly consistent read unit 4 KB.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp};

use super::{WHOLE, ask, stored};

/// Prose as models write it; each piece is other words.
fn prose(bytes: usize, number: usize) -> String {
    let text = concat!(
        include_str!("../../docs/clients.md"),
        include_str!("../../docs/keys-teams-budgets.md"),
        include_str!("../../docs/performance.md"),
        include_str!("../../docs/spend.md"),
    );
    let start = text.floor_char_boundary(number * 997 % (text.len() - bytes - 8));
    let end = text.floor_char_boundary(start + bytes);
    text[start..end].to_owned()
}

/// The bytes of an item: its attributes' names and values.
fn bytes(item: &Value) -> usize {
    let fields = item.as_object().unwrap().iter();
    let values = fields.map(|(name, value)| name.len() + value.to_string().len());
    values.sum()
}

#[tokio::test]
async fn a_stored_turn_costs_a_few_units() {
    for (settings, write_units) in [("", 4), (WHOLE, 16)] {
        let app = TestApp::builder().settings(settings).start().await;
        app.bedrock.script(PRIMARY, [Step::text(prose(6_000, 1))]);
        let response = app.response(&ask(&prose(20_000, 7))).await;
        let size = bytes(&stored(&app, &response).await.unwrap());
        println!("{settings:?}: {size} bytes");
        assert!(size.div_ceil(1_024) <= write_units, "{size} bytes");
    }
}

#[tokio::test]
async fn going_on_from_forty_turns_costs_two_read_units_a_turn() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    let mut body = ask("");
    let (mut units, mut total) = (0, 0);
    for turn in 0..40 {
        app.bedrock
            .script(PRIMARY, [Step::text(prose(1_500, turn))]);
        body["input"] = json!(prose(3_500, 2 * turn + 1));
        let response = app.response(&body).await;
        let size = bytes(&stored(&app, &response).await.unwrap());
        units += size.div_ceil(4_096);
        total += size;
        body["previous_response_id"] = response["id"].clone();
    }
    println!("{total} bytes, {units} units");
    assert!(units <= 80, "{units}");
}
