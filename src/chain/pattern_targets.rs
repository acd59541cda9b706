//! The targets behind patterns: created when a name is first asked for, and kept for the next time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::load_balance::Siblings;

/// More names than this are not kept: callers choose them. Making one again costs some microseconds.
const MOST_KEPT_TARGETS: usize = 256;

/// The targets that were created for names behind patterns, by name.
#[derive(Debug, Default)]
pub(super) struct PatternCache(Mutex<KeptTargets>);

#[derive(Debug, Default)]
struct KeptTargets {
    by_name: HashMap<String, Arc<Siblings>>,
    /// The oldest first.
    names: VecDeque<String>,
}

impl PatternCache {
    /// The targets of this name. `None`: nothing serves it.
    pub(super) fn get(
        &self,
        name: &str,
        make: impl FnOnce() -> Option<Siblings>,
    ) -> Option<Arc<Siblings>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.by_name.get(name) {
            return Some(Arc::clone(known));
        }
        let created = Arc::new(make()?);
        if kept.names.len() >= MOST_KEPT_TARGETS
            && let Some(oldest) = kept.names.pop_front()
        {
            kept.by_name.remove(&oldest);
        }
        kept.names.push_back(name.to_owned());
        kept.by_name.insert(name.to_owned(), Arc::clone(&created));
        Some(created)
    }

    /// All that are kept, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Siblings>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = kept.names.iter();
        all.filter_map(|name| kept.by_name.get(name).cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_but_not_without_end() {
        let created = PatternCache::default();
        let first = created.get("first", || Some(Siblings::default())).unwrap();
        let again = created.get("first", || unreachable!("it is kept")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(created.get("nobody's", || None).is_none());
        for n in 0..2 * MOST_KEPT_TARGETS {
            created.get(&n.to_string(), || Some(Siblings::default()));
        }
        assert_eq!(created.all().len(), MOST_KEPT_TARGETS);
        let last = (2 * MOST_KEPT_TARGETS - 1).to_string();
        assert!(created.get(&last, || None).is_some());
        assert!(created.get("first", || None).is_none());
    }
}
