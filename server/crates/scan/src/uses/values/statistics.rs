//! Which values people set, over many uses.

use entity::kind::ValueType;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::leaves::{Leaf, Values};

/// Longest text that is shown.
const MAX_SHOWN: usize = 120;
/// What is shown of a longer one.
const LONG: &str = "<long>";
/// What stands for a secret.
const MASKED: &str = "<masked>";

/// How often a path is set, and to what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PathStatistic {
    pub path: String,
    /// Uses with at least one such leaf.
    pub uses: usize,
    pub types: Vec<ValueType>,
    /// The text found in most uses; of several the first by its characters.
    pub modal: String,
    pub modal_uses: usize,
}

#[derive(Default)]
struct Path<'v> {
    uses: usize,
    types: BTreeSet<ValueType>,
    texts: HashMap<Text<'v>, usize>,
}

/// A text as it is counted. What is masked for what it is counts as one; what only must not be shown where it stands counts as
/// itself, behind those that can be shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Text<'v> {
    Shown(&'v str),
    Hidden(u64),
}

impl<'v> Text<'v> {
    fn of(leaf: &'v Leaf) -> Self {
        match leaf.hidden {
            _ if leaf.masked => Self::Shown(MASKED),
            Some(number) => Self::Hidden(number),
            None => Self::Shown(&leaf.text),
        }
    }

    fn shown(self) -> &'v str {
        match self {
            Self::Shown(text) if text.chars().nth(MAX_SHOWN).is_some() || text.contains('\n') => LONG,
            Self::Shown(text) => text,
            Self::Hidden(_) => MASKED,
        }
    }
}

/// The most common paths over some uses, as many as `limit`, and how many paths there are.
#[must_use]
pub fn statistics<'v>(uses: impl IntoIterator<Item = &'v Values>, limit: usize) -> (Vec<PathStatistic>, usize) {
    let mut paths: HashMap<&'v str, Path<'v>> = HashMap::new();
    for values in uses {
        let mut seen: BTreeMap<&str, BTreeSet<Text<'_>>> = BTreeMap::new();
        for leaf in &values.leaves {
            paths.entry(&leaf.path).or_default().types.insert(leaf.kind);
            seen.entry(&leaf.path).or_default().insert(Text::of(leaf));
        }
        for (path, texts) in seen {
            let path = paths.entry(path).or_default();
            path.uses += 1;
            for text in texts {
                *path.texts.entry(text).or_default() += 1;
            }
        }
    }
    let count = paths.len();
    let mut order: Vec<(&str, Path<'_>)> = paths.into_iter().collect();
    order.sort_unstable_by(|(left, a), (right, b)| b.uses.cmp(&a.uses).then(left.cmp(right)));
    order.truncate(limit);
    let statistic = |(path, Path { uses, types, texts }): (&str, Path<'_>)| {
        let modal = texts.into_iter().max_by(|(left, a), (right, b)| a.cmp(b).then(right.cmp(left)));
        let (modal, modal_uses) = modal.map_or(("", 0), |(text, uses)| (text.shown(), uses));
        let mut types: Vec<ValueType> = types.into_iter().collect();
        types.sort_unstable_by_key(|kind| kind.as_str());
        PathStatistic { path: path.to_owned(), uses, types, modal: modal.to_owned(), modal_uses }
    };
    (order.into_iter().map(statistic).collect(), count)
}
