//! What this process has stored or recalled lately, so that an agent's next step needs no table.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::conversation::ThinkingBlock;

/// Bytes of blocks that are remembered: thousands of turns, and small beside a function's memory.
const MOST_BYTES: usize = 16 << 20;

/// What an entry costs beside its blocks, about.
const OVERHEAD: usize = 200;

/// Blocks of one turn. None at all: the table was asked and has none.
#[derive(Debug, Clone)]
pub(super) struct RememberedTurn {
    pub(super) blocks: Arc<[ThinkingBlock]>,
    /// When the table, or this memory of its emptiness, forgets them. Wall time: a frozen process ages too.
    pub(super) until: Timestamp,
}

/// Entries by partition key, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct ThinkingMemory(Mutex<RememberedTurns>);

#[derive(Debug, Default)]
struct RememberedTurns {
    entries: HashMap<String, RememberedTurn>,
    order: VecDeque<String>,
    bytes: usize,
}

impl ThinkingMemory {
    pub(super) fn get(&self, pk: &str, now: Timestamp) -> Option<RememberedTurn> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.entries.get(pk)?;
        (entry.until > now).then(|| entry.clone())
    }

    pub(super) fn put(&self, pk: String, entry: RememberedTurn) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        inner.bytes += size(&entry);
        match inner.entries.insert(pk.clone(), entry) {
            Some(before) => inner.bytes = inner.bytes.saturating_sub(size(&before)),
            None => inner.order.push_back(pk),
        }
        while inner.bytes > MOST_BYTES
            && let Some(oldest) = inner.order.pop_front()
        {
            if let Some(entry) = inner.entries.remove(&oldest) {
                inner.bytes = inner.bytes.saturating_sub(size(&entry));
            }
        }
    }
}

fn size(entry: &RememberedTurn) -> usize {
    let blocks = entry.blocks.iter().map(|block| match block {
        ThinkingBlock::Signed { text, signature } => text.len() + signature.len(),
        ThinkingBlock::Redacted(data) => data.len(),
    });
    blocks.sum::<usize>() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn entry(bytes: usize, until: Timestamp) -> RememberedTurn {
        RememberedTurn {
            blocks: vec![ThinkingBlock::Redacted(Bytes::from(vec![0; bytes]))].into(),
            until,
        }
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_is_too_much() {
        let (memory, now) = (ThinkingMemory::default(), Timestamp::now());
        let until = now + Duration::from_secs(60);
        for n in 0..20 {
            memory.put(n.to_string(), entry(1 << 20, until));
            memory.put(n.to_string(), entry(1 << 20, until));
        }
        assert!(memory.get("0", now).is_none());
        assert!(memory.get("19", now).is_some());
        let inner = memory.0.lock().unwrap();
        assert!(inner.bytes <= MOST_BYTES);
        assert_eq!(inner.entries.len(), inner.order.len());
        assert_eq!(inner.bytes, inner.entries.values().map(size).sum::<usize>());
    }

    #[test]
    fn what_the_table_forgets_is_forgotten_here() {
        let (memory, now) = (ThinkingMemory::default(), Timestamp::now());
        memory.put("a".into(), entry(1, now + Duration::from_secs(1)));
        assert!(memory.get("a", now).is_some());
        assert!(memory.get("a", now + Duration::from_secs(1)).is_none());
    }
}
