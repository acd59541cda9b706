//! The keys of every item. Nothing outside this file and `keys/` spells a key.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::time::{day, sortable};

mod total;

pub use total::{CountedBy, TotalOf, model_total, tag_total};

/// Into how many partitions a day's records, and into how many its totals, are spread at least. A partition takes about
/// 1,000 write units a second; a record of 2 kB costs four, and so do its totals where it has one tag.
pub const SHARDS: u8 = 4;

/// The address of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// Where a spend record lives: its request id knows all of this.
pub fn spend_record(at: Timestamp, shard: u8, request_id: &str) -> Key {
    Key {
        pk: spend_partition(day(at), shard),
        sk: format!("{}#{request_id}", sortable(at)),
    }
}

/// One shard of one day's spend records.
pub fn spend_partition(day: Date, shard: u8) -> String {
    format!("spend#{day}#{shard}")
}

/// One shard of one day's totals.
pub fn usage_partition(day: Date, shard: u8) -> String {
    format!("usage#{day}#{shard}")
}

/// All totals of one day that is over, in one item.
pub fn rolled_up(day: Date) -> Key {
    Key {
        pk: format!("usage#{day}"),
        sk: "rolled".to_owned(),
    }
}

/// Over how many shards a day is spread, where these are more than [`SHARDS`].
pub fn shards(day: Date) -> Key {
    Key {
        pk: format!("usage#{day}"),
        sk: "shards".to_owned(),
    }
}

/// Index 1: the records of one key on one day.
pub fn by_key(key_hash: &str, day: Date) -> String {
    format!("key#{key_hash}#{day}")
}

/// Index 2: the records of one session.
pub fn by_session(session: &str) -> String {
    format!("session#{session}")
}

/// A piece of the thinking blocks of one turn: of the owner (the hash of its key) and the turn's first tool call.
pub fn thinking(owner: &str, call: &str, piece: usize) -> Key {
    thinking_piece(format!("thinking#{owner}#{call}"), piece)
}

/// A piece of the thinking blocks in a partition that [`thinking`] named.
pub fn thinking_piece(partition: String, piece: usize) -> Key {
    Key {
        pk: partition,
        sk: format!("blocks#{piece}"),
    }
}

/// A piece of a stored response: of the owner (the hash of its key) and the response's own key, which its id and those
/// of its items contain.
pub fn stored_response(owner: &str, response: &str, piece: usize) -> Key {
    Key {
        pk: format!("response#{owner}"),
        sk: match piece {
            0 => response.to_owned(),
            _ => format!("{response}#{piece}"),
        },
    }
}

/// A piece of the prompt and the reply of one request. Each piece is a partition, for 8 MB would be too much for one
/// at a time, and a list of records never meets them.
pub fn content(request_id: &str, piece: usize) -> Key {
    Key {
        pk: format!("content#{request_id}#{piece}"),
        sk: "content".to_owned(),
    }
}

/// The partition of all targets that rest.
pub const COOLDOWNS: &str = "cooldown";

/// The rest of one deployment.
pub fn cooldown(deployment: &str) -> Key {
    Key {
        pk: COOLDOWNS.to_owned(),
        sk: deployment.to_owned(),
    }
}

/// How often a caller (the hash of its key) has searched the web on a day.
pub fn searches(key_hash: &str, day: Date) -> Key {
    Key {
        pk: format!("searches#{key_hash}"),
        sk: day.to_string(),
    }
}

/// Which deployment has a session's prompt cache, where that is not the one that follows from the session.
pub fn affinity(session: &str) -> Key {
    Key {
        pk: format!("affinity#{session}"),
        sk: "target".to_owned(),
    }
}

/// The partition of what targets turned out to lack.
pub const LEARNED: &str = "learned";

/// Something that one deployment turned out to lack.
pub fn learned(deployment: &str, lack: &str) -> Key {
    Key {
        pk: LEARNED.to_owned(),
        sk: format!("{deployment}#{lack}"),
    }
}

/// How many tokens Bedrock has counted for a prompt of this owner, by the hash of the prompt in hex.
pub fn counted_prompt(owner: &str, hash: &str) -> Key {
    Key {
        pk: format!("prompt#{owner}#{hash}"),
        sk: "tokens".to_owned(),
    }
}

/// A key that the gateway has made, by its SHA-256 in hex.
pub fn virtual_key(hash: &str) -> Key {
    Key {
        pk: format!("key#{hash}"),
        sk: "key".to_owned(),
    }
}

/// Which key has this alias.
pub fn alias(alias: &str) -> Key {
    Key {
        pk: format!("alias#{alias}"),
        sk: "key".to_owned(),
    }
}

/// What is spent and held of a key's budget (the hash whose account it is) in the window that begins at this instant;
/// `None`: for ever.
pub fn budget(account: &str, window: Option<Timestamp>) -> Key {
    Key {
        pk: format!("key#{account}"),
        sk: budget_window(window),
    }
}

impl Key {
    /// Whether it is the account of a budget.
    pub fn is_budget(&self) -> bool {
        const OWNERS: [&str; 4] = ["key#", "member#", "team#", "user#"];
        let owners = OWNERS.iter();
        let has_owner = owners.into_iter().any(|owner| self.pk.starts_with(owner));
        (has_owner || self.pk == common_budget(None).pk) && self.sk.starts_with("budget#")
    }
}

/// The account of the budget of all keys together, in the window that begins at this instant; `None`: for ever.
pub fn common_budget(window: Option<Timestamp>) -> Key {
    Key {
        pk: "keys".to_owned(),
        sk: budget_window(window),
    }
}

fn budget_window(start: Option<Timestamp>) -> String {
    match start {
        Some(start) => format!("budget#{}", sortable(start)),
        None => "budget#ever".to_owned(),
    }
}

/// A team.
pub fn team(id: &str) -> Key {
    Key {
        pk: format!("team#{id}"),
        sk: "team".to_owned(),
    }
}

/// A user's membership in a team.
pub fn member(team: &str, user: &str) -> Key {
    Key {
        pk: self::team(team).pk,
        sk: format!("member#{user}"),
    }
}

/// A user.
pub fn user(id: &str) -> Key {
    Key {
        pk: format!("user#{id}"),
        sk: "user".to_owned(),
    }
}

/// A customer: whom requests name as their end user.
pub fn customer(id: &str) -> Key {
    Key {
        pk: format!("customer#{id}"),
        sk: "customer".to_owned(),
    }
}

/// The customer of a partition; `None`: it is none's.
pub fn customer_id(partition: &str) -> Option<&str> {
    partition.strip_prefix("customer#")
}

/// Where index 1 lists the teams.
pub const TEAMS: &str = "teams";
/// Where it lists the users.
pub const USERS: &str = "users";
/// Where it lists the customers that are not blocked.
pub const CUSTOMERS: &str = "customers";
/// Where it lists those that are.
pub const BLOCKED_CUSTOMERS: &str = "customers#blocked";

/// Where index 1 lists the memberships of a user.
pub fn memberships(user: &str) -> String {
    format!("memberships#{user}")
}

/// The account of a team's budget in the window that begins at this instant; `None`: for ever.
pub fn team_budget(team: &str, window: Option<Timestamp>) -> Key {
    Key {
        pk: self::team(team).pk,
        sk: budget_window(window),
    }
}

/// The account of a user's budget in the window that begins at this instant; `None`: for ever.
pub fn user_budget(user: &str, window: Option<Timestamp>) -> Key {
    Key {
        pk: self::user(user).pk,
        sk: budget_window(window),
    }
}

/// The account of a member's budget in a team, in the window that begins at this instant; `None`: for ever.
pub fn member_budget(team: &str, user: &str, window: Option<Timestamp>) -> Key {
    Key {
        // The length tells where the team's name ends.
        pk: format!("member#{}#{team}#{user}", team.len()),
        sk: budget_window(window),
    }
}

/// Where index 1 lists those who have asked with tokens.
pub const PRINCIPALS: &str = "principals";

/// Where index 1 lists the virtual keys. No record's partition is called so: theirs begin with `key#`.
pub const VIRTUAL_KEYS: &str = "keys";

/// What a key or a deployment has used in the minute of this instant.
pub fn rate(of: &str, at: Timestamp) -> Key {
    Key {
        pk: format!("rate#{of}#{}", at.as_second().div_euclid(60)),
        sk: "rate".to_owned(),
    }
}

/// The requests under way for a key or a deployment that takes only so many at once.
pub fn slots(of: &str) -> Key {
    Key {
        pk: format!("slots#{of}"),
        sk: "slots".to_owned(),
    }
}

/// What the settings page has saved over the file's chains.
pub fn routing() -> Key {
    Key {
        pk: "settings".to_owned(),
        sk: "routing".to_owned(),
    }
}

/// A session of the admin pages, by the SHA-256 of its id in hex.
pub fn session(sha256: &str) -> Key {
    Key {
        pk: format!("session#{sha256}"),
        sk: "session".to_owned(),
    }
}

/// How often all sessions of the admin pages have been ended at once.
pub fn session_generation() -> Key {
    Key {
        pk: "sessions".to_owned(),
        sk: "generation".to_owned(),
    }
}

/// An address from which an admin has signed in to the admin pages.
pub fn known_address(address: &str) -> Key {
    Key {
        pk: format!("login#{address}"),
        sk: "known".to_owned(),
    }
}

/// How often a login was tried from this address, or overall, in a stretch of time.
pub fn logins(from: &str, stretch: i64) -> Key {
    Key {
        pk: format!("login#{from}#{stretch}"),
        sk: "tries".to_owned(),
    }
}

/// The secret that all instances share.
pub fn secret() -> Key {
    Key {
        pk: "secret".to_owned(),
        sk: "mac".to_owned(),
    }
}

/// The partition of the audit log's entries of one month.
pub fn audit_month(day: Date) -> String {
    format!("audit#{:04}-{:02}", day.year(), day.month())
}

/// One entry of the audit log, by its time and its id, which begins with that.
pub fn audit(at: Timestamp, id: &str) -> Key {
    Key {
        pk: audit_month(day(at)),
        sk: id.to_owned(),
    }
}

/// The keys of an identity provider, by the address that names them.
pub fn issuer_keys(address: &str) -> Key {
    Key {
        pk: format!("issuer#{address}"),
        sk: "keys".to_owned(),
    }
}

/// Who asks with tokens of an identity provider, by the hash that stands where a key's does.
pub fn principal(hash: &str) -> Key {
    Key {
        pk: format!("principal#{hash}"),
        sk: "principal".to_owned(),
    }
}

/// The partition of all alerts.
pub const ALERTS: &str = "alerts";

/// One alert, by its id, which begins with its window or its hour.
pub fn alert(id: &str) -> Key {
    Key {
        pk: ALERTS.to_owned(),
        sk: id.to_owned(),
    }
}

/// How often a key that was not good was sent on a day, by the hour.
pub fn refused(key_hash: &str, day: Date) -> Key {
    Key {
        pk: format!("refused#{key_hash}#{day}"),
        sk: "hours".to_owned(),
    }
}

/// Which tags a key has brought into the totals of a day.
pub fn tags(key_hash: &str, day: Date) -> Key {
    Key {
        pk: format!("tags#{key_hash}#{day}"),
        sk: "tags".to_owned(),
    }
}

/// Which customers a key has brought into the totals of a day.
pub fn customers(key_hash: &str, day: Date) -> Key {
    Key {
        sk: "customers".to_owned(),
        ..tags(key_hash, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_lies_in_its_day_and_shard_under_its_time() {
        let at = "2026-11-23T23:59:59.0079Z".parse().unwrap();
        let key = spend_record(at, 3, "chatcmpl-1");
        assert_eq!(key.pk, "spend#2026-11-23#3");
        assert_eq!(key.sk, "2026-11-23T23:59:59.007Z#chatcmpl-1");
    }
}
