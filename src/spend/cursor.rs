//! Where a page of records ended.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::RequestId;
use crate::store::time::sortable;

/// A place in the ledger: what is older has not been looked at yet. Opaque as text, and fit for a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(CursorPlace);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CursorPlace {
    /// All records older than this one.
    After(RequestId),
    /// All records before this instant, whose milliseconds are whole.
    Before(Timestamp),
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: expected the `next_cursor` of an earlier page, unchanged")]
pub struct NotACursor;

impl Cursor {
    /// On from this record.
    pub fn after(id: RequestId) -> Cursor {
        Cursor(CursorPlace::After(id))
    }

    /// On from this instant.
    pub fn before(at: Timestamp) -> Cursor {
        Cursor(CursorPlace::Before(at))
    }

    /// The instant down to which everything has been looked at.
    pub fn time(&self) -> Timestamp {
        match &self.0 {
            CursorPlace::After(id) => id.time(),
            CursorPlace::Before(at) => *at,
        }
    }

    /// What comes next has a smaller sort key than this.
    pub(super) fn sort_key(&self) -> String {
        match &self.0 {
            CursorPlace::After(id) => id.key().sk,
            CursorPlace::Before(at) => sortable(*at),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.0 {
            CursorPlace::After(id) => id.to_string(),
            CursorPlace::Before(at) => at.as_millisecond().to_string(),
        };
        f.write_str(&URL_SAFE_NO_PAD.encode(place))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let place = String::from_utf8(bytes).map_err(|_| NotACursor)?;
        if let Ok(id) = RequestId::parse(&place) {
            return Ok(Cursor::after(id));
        }
        let millis = place.parse().map_err(|_| NotACursor)?;
        let at = Timestamp::from_millisecond(millis).map_err(|_| NotACursor)?;
        Ok(Cursor::before(at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_as_text(millis in 0..=253_402_207_199_999i64) {
            let at = Timestamp::from_millisecond(millis).unwrap();
            for cursor in [Cursor::before(at), Cursor::after(RequestId::new(at))] {
                let text = cursor.to_string();
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
                prop_assert_eq!(text.parse(), Ok(cursor));
            }
        }

        #[test]
        fn what_is_no_cursor_is_an_error_and_no_panic(text in ".*") {
            prop_assert!(text.parse::<Cursor>().is_err() || !text.is_empty());
        }
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        for text in ["", "abc", "!!", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA"] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
