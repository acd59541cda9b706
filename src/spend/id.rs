//! The id of a request, which is also the address of its record.

use std::fmt;
use std::str::FromStr;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{Builder, Uuid, Variant, Version};

use crate::store::keys::{self, Key, SHARDS};
use crate::store::time;

/// `chatcmpl-` and a UUID of version 7: its first 48 bits are the time in milliseconds, its last byte is the shard,
/// the 66 bits between are random. Ids sort by time, as text and as values, and lead to their record without an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

const PREFIX: &str = "chatcmpl-";

/// What stands for `chatcmpl-` before the id in replies of other wires.
const OTHER_PREFIXES: [&str; 3] = ["msg_", "resp_", "rerank-"];

/// A text that is no request id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request id: expected {PREFIX} and a UUID of version 7")]
pub struct NotARequestId;

impl RequestId {
    /// A new id for a request that begins now, on a random one of the usual shards.
    pub fn new(now: Timestamp) -> RequestId {
        RequestId::spread(now, SHARDS)
    }

    /// A new id for a request that begins now, on a random one of this many shards.
    pub(super) fn spread(now: Timestamp, shards: u8) -> RequestId {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let mut bytes = Uuid::new_v4().into_bytes();
        let [.., shard] = &mut bytes;
        *shard %= shards.max(1);
        let time = millis.to_be_bytes();
        for (byte, time) in bytes.iter_mut().zip(time.iter().skip(2)) {
            *byte = *time;
        }
        let builder = Builder::from_bytes(bytes)
            .with_version(Version::SortRand)
            .with_variant(Variant::RFC4122);
        RequestId(builder.into_uuid())
    }

    /// Reads an id as [`Display`](fmt::Display) or [`RequestId::with_prefix`] writes it.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<RequestId, NotARequestId> {
        let mut prefixes = std::iter::once(PREFIX).chain(OTHER_PREFIXES);
        let uuid = prefixes.find_map(|prefix| text.strip_prefix(prefix));
        let uuid = uuid.ok_or(NotARequestId)?;
        let id = RequestId(Uuid::try_parse(uuid).map_err(|_| NotARequestId)?);
        let valid = id.0.get_version() == Some(Version::SortRand)
            && id.0.get_variant() == Variant::RFC4122
            // A UUID's time reaches further than the calendar; other spellings would be other keys.
            && Timestamp::from_millisecond(id.millis()).is_ok()
            && id.0.to_string() == uuid;
        if valid { Ok(id) } else { Err(NotARequestId) }
    }

    /// The id in the fewest bytes.
    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Reads what [`RequestId::as_bytes`] wrote; `None`: they are no id's.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> Option<RequestId> {
        RequestId::parse(&format!("{PREFIX}{}", Uuid::from_bytes(bytes))).ok()
    }

    /// The id as a wire shows it that wants another beginning.
    pub fn with_prefix(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.0)
    }

    /// When the request began, to the millisecond.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The UTC day it counts for.
    pub fn day(&self) -> Date {
        time::day(self.time())
    }

    /// The shard its record and its totals lie in.
    pub fn shard(&self) -> u8 {
        let [.., shard] = self.0.as_bytes();
        *shard
    }

    /// The address of its record.
    pub(super) fn key(&self) -> Key {
        keys::spend_record(self.time(), self.shard(), &self.to_string())
    }

    fn millis(&self) -> i64 {
        let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
        i64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for RequestId {
    type Err = NotARequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        RequestId::parse(text)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        RequestId::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_id_is_an_error() {
        for text in [
            "",
            "chatcmpl-",
            "chatcmpl-1",
            "019a1234-5678-7abc-8def-0123456789ab",
            "chatcmpl-ffffffff-ffff-7fff-bfff-ffffffffffff",
            "chatcmpl-3d1c9a55-3f04-4bb0-9f1f-5a7e4f5d2c11",
            "chatcmpl-019A1234-5678-7ABC-8DEF-012345678901",
            "chatcmpl-{019a1234-5678-7abc-8def-012345678901}",
            "chatcmpl-é19a1234-5678-7abc-8def-012345678901",
        ] {
            assert_eq!(RequestId::parse(text), Err(NotARequestId), "{text}");
        }
    }

    #[test]
    fn all_shards_are_used() {
        let ids = (0..200).map(|_| RequestId::new(Timestamp::UNIX_EPOCH));
        let mut shards: Vec<u8> = ids.map(|id| id.shard()).collect();
        shards.sort_unstable();
        shards.dedup();
        assert_eq!(shards, [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn an_id_carries_its_time_and_survives_as_text(millis in 0..=253_402_207_199_999i64) {
            let time = Timestamp::from_millisecond(millis).unwrap();
            let id = RequestId::new(time);
            prop_assert_eq!(id.time(), time);
            prop_assert!(id.shard() < SHARDS);
            prop_assert_eq!(RequestId::parse(&id.to_string()), Ok(id));
            for prefix in OTHER_PREFIXES {
                prop_assert_eq!(RequestId::parse(&id.with_prefix(prefix)), Ok(id));
            }
        }

        #[test]
        fn ids_and_keys_sort_by_time(a in 0..=253_402_207_199_999i64, b in 0..=253_402_207_199_999i64) {
            prop_assume!(a != b);
            let id = |millis| RequestId::new(Timestamp::from_millisecond(millis).unwrap());
            prop_assert_eq!(id(a) < id(b), a < b);
            prop_assert_eq!(id(a).to_string() < id(b).to_string(), a < b);
            prop_assert_eq!(id(a).key().sk < id(b).key().sk, a < b);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = RequestId::parse(&text);
            let _ = RequestId::parse(&format!("chatcmpl-{text}"));
        }
    }
}
