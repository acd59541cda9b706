//! How much one request may hold: far above real use, and little enough that the largest body fits into the smallest
//! function. The length of a body alone is no bound: what is read from it takes up to a hundred times as much.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::conversation::{Part, Turn};
use crate::json::{self, JsonLimits};

use super::ApiError;
use super::loose::Form;

/// Messages of a conversation, and parts of all of them together.
pub(crate) const MOST_PARTS: usize = 100_000;
/// Calls of tools in a conversation, and results of them.
pub(crate) const MOST_CALLS: usize = 10_000;
/// Tools that are offered.
pub(crate) const MOST_TOOLS: usize = 2_048;
/// JSON values of no fixed form: in schemas, metadata and the like, and once more in all arguments of calls that are
/// written as text.
pub(crate) const MOST_FREE_VALUES: usize = 50_000;

/// JSON values of a body that is read a second time, for a fallback: it is kept beside what the fallback is asked.
const MOST_VALUES_TWICE: usize = 250_000;

/// For a body.
pub(crate) const OF_BODY: JsonLimits = JsonLimits {
    values: 500_000,
    free: MOST_FREE_VALUES,
};

/// A list of at most `MOST` items.
#[derive(Debug)]
pub(crate) struct List<T, const MOST: usize>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
            type Value = List<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                items_of(items, "items", MOST).map(List)
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

impl<T: for<'de> Deserialize<'de>, const MOST: usize> Form for List<T, MOST> {
    const EXPECTED: &'static str = "a sequence";

    fn of_list<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<Option<Self>, A::Error> {
        items_of(items, "items", MOST).map(|items| Some(Self(items)))
    }
}

/// The items of a list; of one that is too long only how many there are. `what` they are is said in the error.
pub(crate) fn items_of<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    mut list: A,
    what: &str,
    most: usize,
) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::new();
    while items.len() < most {
        match list.next_element()? {
            Some(item) => items.push(item),
            None => {
                items.shrink_to_fit();
                return Ok(items);
            }
        }
    }
    let mut count = most;
    while list.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    if count == most {
        return Ok(items);
    }
    Err(A::Error::custom(too_many(what, count, most)))
}

/// Refuses a conversation that has too much in all. `param` names the field that holds its messages.
pub(crate) fn check(system: &[Part], turns: &[Turn], param: &str) -> Result<(), ApiError> {
    let mut count = PartCount::default();
    count.add(system);
    turns.iter().for_each(|turn| count.add(&turn.parts));
    for (what, count, most) in [
        ("parts", count.parts, MOST_PARTS),
        ("tool calls", count.calls, MOST_CALLS),
        ("tool results", count.results, MOST_CALLS),
    ] {
        if count > most {
            return Err(refusal(param, what, count, most));
        }
    }
    Ok(())
}

/// Refuses a body that holds too much to be read a second time, for a fallback that changes it.
pub(crate) fn check_twice(body: &[u8]) -> Result<(), ApiError> {
    let count = json::count_values(body);
    if count <= MOST_VALUES_TWICE {
        return Ok(());
    }
    let message = format!(
        "'fallbacks': a request that a fallback changes may hold {MOST_VALUES_TWICE} JSON values at most, and this one \
         holds {count}."
    );
    Err(ApiError::bad_request(message, "fallbacks"))
}

/// The refusal of a field that holds too much.
pub(crate) fn refusal(param: &str, what: &str, count: usize, most: usize) -> ApiError {
    let message = format!("'{param}': {}", too_many(what, count, most));
    ApiError::bad_request(message, param)
}

fn too_many(what: &str, count: usize, most: usize) -> String {
    format!("it has {count} {what}, and the limit is {most}")
}

#[derive(Default)]
struct PartCount {
    parts: usize,
    calls: usize,
    results: usize,
}

impl PartCount {
    fn add(&mut self, parts: &[Part]) {
        self.parts += parts.len();
        for part in parts {
            match part {
                Part::ToolCall(_) => self.calls += 1,
                Part::ToolResult(result) => {
                    self.results += 1;
                    self.parts += result.content.len();
                }
                _ => {}
            }
        }
    }
}
