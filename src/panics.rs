//! What a panic leaves behind: a line in the log, and an error for the client.

use std::any::Any;

/// What was caught.
pub(crate) type Panic = Box<dyn Any + Send>;

/// What it said.
pub(crate) fn text(panic: &Panic) -> &str {
    payload(&**panic)
}

/// What it said, while it is on its way.
pub(crate) fn payload(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_panic_s_message_is_read_whatever_it_was_made_of() {
        let caught = |panics: fn()| catch_unwind(panics).unwrap_err();
        assert_eq!(text(&caught(|| panic!("plain"))), "plain");
        let n = 7;
        let formatted = catch_unwind(move || panic!("{n} of them")).unwrap_err();
        assert_eq!(text(&formatted), "7 of them");
        let other = catch_unwind(|| std::panic::panic_any(7)).unwrap_err();
        assert_eq!(text(&other), "no message");
    }
}
