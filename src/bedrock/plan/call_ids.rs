//! Ids of tool calls that are unique wherever they are seen.
//!
//! Some models count their calls from 0 in every answer (`call_0`, `functions.read:0`). Clients tell the calls of a
//! whole conversation apart by their ids, and the store of thinking those of all conversations of a key. So such an id
//! goes out with a suffix of the gateway's own, and goes back to the model as the model wrote it.

use std::collections::HashSet;

/// What the suffix begins with; the hexadecimal digits of a random number follow.
const MARK: &str = "_u";
const DIGITS: usize = 16;

/// A run of letters and digits of at least this length is random, where it has both.
const RANDOM_RUN: usize = 9;

/// The id of a call of this tool in an answer, as the client is to know it: no other call has the same. `taken` are
/// those of the answer's calls so far.
pub(in crate::bedrock) fn of_answer(
    written: String,
    tool: &str,
    taken: &mut HashSet<String>,
) -> String {
    let id = if may_come_again(&written, tool) || taken.contains(&written) {
        with_suffix(&written, fastrand::u64(..))
    } else {
        written
    };
    taken.insert(id.clone());
    id
}

/// Whether an id that a model gave a call of this tool is one that it may give another call as well.
fn may_come_again(id: &str, tool: &str) -> bool {
    let is_sign = |c: char| !c.is_ascii_alphanumeric();
    let last = id.rsplit(is_sign).next().unwrap_or_default();
    let is_number = last.len() < RANDOM_RUN && last.bytes().all(|byte| byte.is_ascii_digit());
    let is_random = |run: &str| {
        run.len() >= RANDOM_RUN
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    id == tool || is_number || !id.split(is_sign).any(is_random)
}

/// The id with a suffix made of `random`.
fn with_suffix(id: &str, random: u64) -> String {
    format!("{id}{MARK}{random:016x}")
}

/// The id as the model wrote it, and the suffix that it went out with; empty: none.
pub(super) fn parted(id: &str) -> (&str, &str) {
    let place = id.len().checked_sub(MARK.len() + DIGITS);
    let parted = place.and_then(|place| id.split_at_checked(place));
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    match parted {
        Some((written, suffix))
            if (suffix.strip_prefix(MARK)).is_some_and(|digits| digits.bytes().all(is_digit)) =>
        {
            (written, suffix)
        }
        _ => (id, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_are_counted_may_come_again_and_random_ones_do_not() {
        for id in [
            "",
            "0",
            "call_0",
            "call_17",
            "call-3",
            "functions.read_file:0",
            "functions.get_current_weather:12",
            "resp_4f9a8b7c6d5e:call_0",
            "tool_use",
            "look",
            "md5checksum2",
        ] {
            assert!(may_come_again(id, "md5checksum2"), "{id}");
        }
        for id in [
            "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q",
            "toolu_01A09q90qw90lq917835lq9",
            "chatcmpl-tool-3f2a9c1d4e5b6a7f8091a2b3c4d5e6f7",
            "call_3f2a9c1d4e5b6a7f8091a2b3",
            "fc_67ccfcdd16748190a91872c75d38539e0",
            "D681PevKs",
        ] {
            assert!(!may_come_again(id, "look"), "{id}");
        }
    }

    proptest! {
        #[test]
        fn what_goes_out_comes_back_as_the_model_wrote_it(id in ".{0,80}", random: u64) {
            let sent = with_suffix(&id, random);
            let (written, suffix) = parted(&sent);
            prop_assert_eq!((written, suffix.len()), (id.as_str(), MARK.len() + DIGITS));
        }

        #[test]
        fn any_other_id_stays_as_it_is(id in "[a-zA-Z0-9_.:-]{0,17}") {
            prop_assert_eq!(parted(&id), (id.as_str(), ""));
        }
    }
}
