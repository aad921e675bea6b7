//! What stands at one place, told apart by numbers that stay with what stays.

use std::collections::BTreeMap;

/// Open spans of one place by their ordinals.
pub type Slots<T> = BTreeMap<i32, T>;

/// What becomes of a place.
pub struct Difference<V> {
    /// Ordinals whose spans end.
    pub ended: Vec<i32>,
    /// What begins, under its ordinal.
    pub began: Vec<(i32, V)>,
}

/// Compares what is open with what stands there now: what is equal stays, what is left takes the ordinals that come free, the
/// smallest first.
pub fn compare<T, V: PartialEq>(open: &Slots<T>, facts: impl Fn(&T) -> &V, mut now: Vec<V>) -> Difference<V> {
    let mut ended = Vec::new();
    for (ordinal, one) in open {
        match now.iter().position(|new| new == facts(one)) {
            Some(at) => drop(now.remove(at)),
            None => ended.push(*ordinal),
        }
    }
    let mut free = (0..).filter(|ordinal| !open.contains_key(ordinal) || ended.contains(ordinal));
    let began = now.into_iter().map(|new| (free.next().unwrap_or(i32::MAX), new)).collect();
    Difference { ended, began }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_its_number() {
        let open: Slots<&str> = [(0, "a"), (1, "b"), (2, "a")].into();
        let Difference { ended, began } = compare(&open, |one| one, vec!["a", "c", "d", "e"]);
        assert_eq!((ended, began), (vec![1, 2], vec![(1, "c"), (2, "d"), (3, "e")]));
        let Difference { ended, began } = compare(&open, |one| one, vec!["a", "a", "b"]);
        assert_eq!((ended, began), (vec![], vec![]));
    }
}
