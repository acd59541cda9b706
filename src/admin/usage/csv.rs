//! The totals of a period as a file for a spreadsheet: one line for each day and model, key or tag.

use std::fmt::Write;

use super::sums::written;
use crate::spend::{DayTotal, TotalOf};

const HEAD: &str = "day,model,key_sha256,tag,requests,failures,unpriced,spend_usd,cache_saving_usd,\
                    input_tokens,output_tokens,cache_read_tokens,cache_write_tokens\r\n";

/// As RFC 4180 has it. Lines with a tag repeat what the lines with a model count.
pub(super) fn file(totals: &[DayTotal]) -> String {
    let mut file = HEAD.to_owned();
    for DayTotal { day, of, counters } in totals {
        let (model, key, tag) = match of {
            TotalOf::Model { model, key_hash } => (model.as_str(), key_hash.as_str(), ""),
            TotalOf::Tag(tag) => ("", "", tag.as_str()),
        };
        // Writing to a String never fails.
        let _ = write!(
            file,
            "{day},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            field(model),
            field(key),
            field(tag),
            counters.requests,
            counters.failures,
            counters.unpriced,
            counters.spend.normalize(),
            counters.cache_saving.normalize(),
            counters.input,
            counters.output,
            counters.cache_read,
            written(counters),
        );
    }
    file
}

/// Quoted where it has to be. A text that a spreadsheet would take for a formula gets an apostrophe before it
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn field(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_field_and_no_formula() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(field(text), expected);
        }
    }
}
