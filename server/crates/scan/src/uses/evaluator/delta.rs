//! What goes into an evaluation, and what comes of it.

use std::sync::Arc;

use entity::input::ObjectId;

use super::super::chart_use::ChartUse;
use super::super::evaluate::Reference;
use super::super::facts::FileFacts;

/// A file that came, went or changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub path: Arc<str>,
    /// The blob, and its facts where it is a YAML file or a kustomization; `None` where the file went.
    pub after: Option<(ObjectId, Option<Arc<FileFacts>>)>,
}

/// What units of a tree say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub uses: Vec<Arc<ChartUse>>,
    /// Releases without a chart, as `file#no`.
    pub partials: Vec<String>,
    pub references: Vec<Reference>,
}

/// What a change brought and took. A use of a chart's dependency may be said by several documents: each says it for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    pub came: Findings,
    pub went: Findings,
    /// Documents and kustomizations that were looked at.
    pub evaluated: usize,
    /// Files whose own images may be others now.
    pub touched: Vec<Arc<str>>,
}

/// The uses of the first that the second does not have; both are in order.
pub(super) fn differ(uses: &[Arc<ChartUse>], others: &[Arc<ChartUse>], into: &mut Vec<Arc<ChartUse>>) {
    let is_new = |one: &&Arc<ChartUse>| {
        let at = others.binary_search_by(|other| other.identity().cmp(&one.identity()));
        !at.is_ok_and(|at| others[at] == **one)
    };
    into.extend(uses.iter().filter(is_new).cloned());
}
