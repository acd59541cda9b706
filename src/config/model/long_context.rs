//! `[1m]` behind a model's name: how clients ask for the model with its window of a million tokens.

use crate::config::Config;

/// Behind a name, in any case.
const WINDOW_MARK: &str = "[1m]";

impl Config {
    /// A model's name without `[1m]` behind it, however often it stands there, and whether it did. A name that is
    /// configured as it is stays as it is.
    pub fn without_window_mark<'n>(&self, name: &'n str) -> (&'n str, bool) {
        match unmarked(name) {
            Some(plain) if !self.is_configured_with_mark(name) => (plain, true),
            _ => (name, false),
        }
    }

    fn is_configured_with_mark(&self, name: &str) -> bool {
        let is_marked = |pattern: &str| unmarked(pattern).is_some();
        self.routing.aliases.contains_key(name)
            || self.groups.is_named(name)
            || self.routing.fits(name, is_marked)
            || self.groups.pattern_of(name).is_some_and(is_marked)
    }
}

/// The name in front of the marks; `None`: there are none.
fn unmarked(name: &str) -> Option<&str> {
    let mut plain = None;
    let mut rest = name.trim_end();
    while let Some((before, end)) =
        rest.split_at_checked(rest.len().saturating_sub(WINDOW_MARK.len()))
    {
        if !end.eq_ignore_ascii_case(WINDOW_MARK) {
            break;
        }
        rest = before.trim_end();
        plain = Some(rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_taken_off_in_any_case_and_as_often_as_it_stands_there() {
        for (name, plain) in [
            ("a[1m]", Some("a")),
            ("a[1M][1m] [1M] ", Some("a")),
            ("us.b-v1:0[1m]", Some("us.b-v1:0")),
            ("[1m]", Some("")),
            ("a", None),
            ("", None),
            ("1m]", None),
            ("a[1m]b", None),
            ("a[2m]", None),
            ("\u{1f600}m]", None),
            ("a ", None),
        ] {
            assert_eq!(unmarked(name), plain, "{name}");
        }
    }
}
