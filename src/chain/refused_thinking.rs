//! Replayed thinking that targets refused, so that the next turns of its conversation are not refused for it again.
//!
//! *Encrypted*: it is sealed for the region that wrote it, and a profile may be served by several. A refusal says nothing
//! of the target as such: blocks of other conversations, and those that come after it in this one, are taken. So what is
//! remembered is the last block that was refused; the next turn leaves out that one and all before it.
//!
//! *Bound*: it fits only behind the very beginning that it was written behind. The last block of the refused request tells
//! its conversation.
//!
//! Both are remembered in this process alone: another instance finds out at the cost of one refused call, which is not
//! billed.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::bedrock::plan::{bound_thinking, encrypted_thinking};
use crate::conversation::{Request, ThinkingBlock};

/// Conversations that are remembered; the oldest are forgotten first.
const MOST_REMEMBERED: usize = 4_096;

/// The last refused block of each conversation, by its digest with the target.
#[derive(Debug, Default)]
pub(super) struct RefusedThinking {
    hasher: RandomState,
    known: Mutex<KnownRefusals>,
}

#[derive(Debug, Default)]
struct KnownRefusals {
    digests: HashSet<u64>,
    order: VecDeque<u64>,
}

impl RefusedThinking {
    /// How many blocks at the beginning of the conversation this deployment is known to refuse.
    pub(super) fn encrypted(&self, deployment: &str, request: &Request) -> usize {
        let blocks = encrypted_thinking(&request.turns);
        self.last_known(deployment, blocks)
            .map_or(0, |last| last + 1)
    }

    /// Whether this deployment is known to refuse bound thinking of the conversation.
    pub(super) fn is_bound(&self, deployment: &str, request: &Request) -> bool {
        let blocks = bound_thinking(&request.turns);
        self.last_known(deployment, blocks).is_some()
    }

    /// The place of the last of these blocks that was remembered.
    fn last_known<'a>(
        &self,
        deployment: &str,
        blocks: impl Iterator<Item = &'a ThinkingBlock>,
    ) -> Option<usize> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.digests.is_empty() {
            return None;
        }
        let is_known = |block| known.digests.contains(&self.digest(deployment, block));
        let refused = blocks.enumerate().filter(|(_, block)| is_known(block));
        refused.last().map(|(place, _)| place)
    }

    /// Remembers that this deployment refused the encrypted blocks of this conversation.
    pub(super) fn remember_encrypted(&self, deployment: &str, request: &Request) {
        self.remember(deployment, encrypted_thinking(&request.turns).last());
    }

    /// Remembers that this deployment refused bound blocks of this conversation.
    pub(super) fn remember_bound(&self, deployment: &str, request: &Request) {
        self.remember(deployment, bound_thinking(&request.turns).last());
    }

    fn remember(&self, deployment: &str, last: Option<&ThinkingBlock>) {
        let Some(last) = last else {
            return;
        };
        let digest = self.digest(deployment, last);
        let mut guard = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *guard;
        if known.digests.insert(digest) {
            known.order.push_back(digest);
        }
        while known.order.len() > MOST_REMEMBERED
            && let Some(oldest) = known.order.pop_front()
        {
            known.digests.remove(&oldest);
        }
    }

    fn digest(&self, deployment: &str, block: &ThinkingBlock) -> u64 {
        let data: &[u8] = match block {
            ThinkingBlock::Redacted(data) => data,
            ThinkingBlock::Signed { signature, .. } => signature.as_bytes(),
        };
        self.hasher.hash_one((deployment, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Part, Role, Turn};

    fn conversation(blocks: &[&str]) -> Request {
        let turns = blocks.iter().map(|data| Turn {
            role: Role::Assistant,
            parts: vec![Part::Thinking(ThinkingBlock::Redacted(
                data.as_bytes().to_vec().into(),
            ))],
            native: None,
        });
        Request {
            turns: turns.collect(),
            ..Request::default()
        }
    }

    #[test]
    fn what_comes_after_the_refused_blocks_is_sent() {
        let refused = RefusedThinking::default();
        let grown = conversation(&["rsn_a", "AP8K", "rsn_b", "rsn_c"]);
        assert_eq!(refused.encrypted("d", &grown), 0);
        refused.remember_encrypted("d", &conversation(&["rsn_a", "AP8K", "rsn_b"]));
        assert_eq!(refused.encrypted("d", &grown), 2);
        assert_eq!(refused.encrypted("another", &grown), 0);
        assert_eq!(refused.encrypted("d", &conversation(&["rsn_x"])), 0);
        assert_eq!(refused.encrypted("d", &conversation(&[])), 0);
    }

    #[test]
    fn bound_thinking_tells_its_conversation_and_is_not_encrypted_thinking() {
        let refused = RefusedThinking::default();
        refused.remember_bound("d", &conversation(&["AP8K", "AP8L", "rsn_a"]));
        assert!(refused.is_bound("d", &conversation(&["AP8L", "AP8M"])));
        assert!(!refused.is_bound("d", &conversation(&["AP8K", "rsn_a"])));
        assert!(!refused.is_bound("another", &conversation(&["AP8L"])));
        assert_eq!(refused.encrypted("d", &conversation(&["rsn_a"])), 0);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let refused = RefusedThinking::default();
        for n in 0..=MOST_REMEMBERED {
            refused.remember_encrypted("d", &conversation(&[&format!("rsn_{n}")]));
        }
        assert_eq!(refused.encrypted("d", &conversation(&["rsn_0"])), 0);
        assert_eq!(refused.encrypted("d", &conversation(&["rsn_1"])), 1);
        let known = refused.known.lock().unwrap();
        assert_eq!(known.digests.len(), MOST_REMEMBERED);
        assert_eq!(known.order.len(), MOST_REMEMBERED);
    }
}
