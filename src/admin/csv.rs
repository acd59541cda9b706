//! Fields of CSV files: what a client has named is a text to every spreadsheet, and never a formula.

/// What begins a formula, in full width too, as East Asian editions of spreadsheets take it
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
const FORMULA: &[char] = &[
    '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−',
];

/// Where a spreadsheet may begin a new cell, whatever it takes for the separator.
const SEPARATORS: &[char] = &[',', ';', '|', '\t', '\r', '\n'];

/// A text as one field. It is quoted where a reader of whatever separator could take it for more than one. An
/// apostrophe stands before what could be taken for a formula, at its beginning and behind everything that may
/// separate cells: quotes do not hold where a file is read with another separator than the comma.
pub(super) fn field(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len() + 2);
    if text.starts_with(['\t', '\r', '\n']) {
        guarded.push('\'');
    }
    for cell in text.split_inclusive(SEPARATORS) {
        if cell.trim_start_matches(is_passed_over).starts_with(FORMULA) {
            guarded.push('\'');
        }
        guarded.push_str(cell);
    }
    let is_plain =
        guarded == text && text.trim() == text && !text.contains('"') && !text.contains(SEPARATORS);
    if is_plain {
        guarded
    } else {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    }
}

/// Whether a spreadsheet may look past this when it looks for a formula: white space, what is not seen, and quotes.
fn is_passed_over(c: char) -> bool {
    let is_unseen =
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    c.is_whitespace() || c.is_control() || is_unseen || c == '"'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_field_and_no_formula() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("us.nova-lite-v1:0", "us.nova-lite-v1:0"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("a\tb", "\"a\tb\""),
            ("a\rb", "\"a\rb\""),
            ("a|b", "\"a|b\""),
            (" a", "\" a\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("-1", "\"'-1\""),
            ("@x,y", "\"'@x,y\""),
            ("  =1", "\"'  =1\""),
            ("\u{a0}+1", "\"'\u{a0}+1\""),
            ("\u{feff}=1", "\"'\u{feff}=1\""),
            ("\t=1", "\"'\t'=1\""),
            ("\ttext", "\"'\ttext\""),
            ("＝1", "\"'＝1\""),
            (" ＠x", "\"' ＠x\""),
            ("a;=1", "\"a;'=1\""),
            ("a; =1", "\"a;' =1\""),
            ("a\t@x", "\"a\t'@x\""),
            ("a\r+1", "\"a\r'+1\""),
            ("a\n-1", "\"a\n'-1\""),
            ("a;\"=1", "\"a;'\"\"=1\""),
            ("a=1", "a=1"),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }
}
