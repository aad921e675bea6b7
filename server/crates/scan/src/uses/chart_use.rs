//! A chart as somebody uses it.

use entity::kind::{ChartResolution, ChartUseKind, Renderer, UnresolvedReason, VersionKind};
use std::sync::Arc;

use serde::Serialize;

use super::evaluate::{Known, agree};
use super::values::Values;

/// What values a use takes from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ValuesFromCount {
    pub resolved: u32,
    /// Not in the tree, encrypted, or no map.
    pub missing: u32,
    pub secret: u32,
}

/// One use of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartUse {
    pub file: Arc<str>,
    pub document: Arc<str>,
    /// Which of several in the document.
    pub part: Option<usize>,
    pub kind: ChartUseKind,
    pub name: Option<Box<str>>,
    /// Helm's name.
    pub release: Option<Box<str>>,
    /// Where it is installed.
    pub namespace: Option<Box<str>>,
    pub chart: Option<Box<str>>,
    pub source: Option<Box<str>>,
    pub key: Option<Box<str>>,
    /// The key that stands for all places of the chart.
    pub group: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub version_kind: VersionKind,
    pub digest: Option<Box<str>>,
    pub how: ChartResolution,
    pub reason: Option<UnresolvedReason>,
    /// Whether the source is one of another namespace.
    pub by_name: bool,
    pub rendered: Renderer,
    pub values: Arc<Values>,
    pub values_from: ValuesFromCount,
    /// What the variables stand for that the values name.
    pub variables: Known,
    /// Keys under which kubesearch has shown it, newest first.
    pub kubesearch: Vec<Box<str>>,
}

impl ChartUse {
    /// What tells uses apart: equal results of several builds are one.
    #[must_use]
    pub fn identity(&self) -> impl Ord + '_ {
        (
            (&self.file, &self.document, self.part, self.kind, &self.name, &self.release, &self.namespace, &self.chart),
            (&self.source, &self.key, &self.version, self.version_kind, &self.digest, self.how, self.reason),
            (self.by_name, self.rendered, &self.values.digest, self.values.leaves.len()),
        )
    }
}

/// Equal results count once, in order, with what variables stand for in all of them.
pub fn once(mut uses: Vec<Arc<ChartUse>>) -> Vec<Arc<ChartUse>> {
    uses.sort_by(|left, right| left.identity().cmp(&right.identity()));
    uses.dedup_by(|other, kept| {
        let is_same = other.identity().cmp(&kept.identity()).is_eq();
        if is_same && other.variables != kept.variables {
            agree(&mut Arc::make_mut(kept).variables, &other.variables);
        }
        is_same
    });
    uses
}
