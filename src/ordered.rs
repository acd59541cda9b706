//! Ordered maps and lists without a sort of their own.
//!
//! The standard library's sort is 5 KB of the binary for every type of element, and `collect` into an ordered map is one
//! too. Inserting has no such price, and a sort of keys and places is shared by all that have the same type of key.

use std::collections::BTreeMap;

/// The pairs as a map; of equal keys the last counts.
pub(crate) fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// The items in the order of their keys; equals as they stood.
pub(crate) fn by_key<T, K: Ord>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let keys = items.iter().enumerate();
    let mut keys: Vec<(K, usize)> = keys.map(|(place, item)| (key(item), place)).collect();
    keys.sort_unstable();
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    keys.into_iter()
        .filter_map(|(_, place)| items.get_mut(place)?.take())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_keys_counts() {
        let pairs = [("b", 1), ("a", 2), ("b", 3)];
        assert_eq!(map(pairs), BTreeMap::from(pairs));
        assert_eq!(map(pairs).into_values().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn equals_keep_their_order() {
        let words = ["three", "a", "seven", "be", "an", "i"];
        assert_eq!(
            by_key(words.to_vec(), |word| word.len()),
            ["a", "i", "be", "an", "three", "seven"]
        );
    }
}
