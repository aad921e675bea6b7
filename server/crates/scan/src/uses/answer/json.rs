//! The answer as programs read it.

use entity::kind::{ChartResolution, ChartUseKind, Renderer, UnresolvedReason, VersionKind};
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::chart_use::{ChartUse, ValuesFromCount};
use super::super::evaluate::Reference;
use super::super::image::FoundImage;
use super::super::values::PathStatistic;
use super::{Figures, Uses};

/// Paths of values that are told.
const TOP: usize = 40;
/// Which rules the figures follow.
const RULES: u32 = 1;

/// Everything, as one object.
#[derive(Debug, Serialize)]
pub struct UsesAnswer<'u> {
    pub rules: u32,
    pub commit: String,
    pub figures: Figures,
    pub charts: Vec<ChartRow<'u>>,
    pub partials: &'u [&'u str],
    pub images: Vec<Image>,
    pub values: ValuesAnswer,
    pub references: &'u [&'u Reference],
    pub cycles: &'u [Vec<&'u str>],
}

/// What is told of values.
#[derive(Debug, Serialize)]
pub struct ValuesAnswer {
    pub top: Vec<PathStatistic>,
}

/// A use of a chart.
#[derive(Debug, Serialize)]
pub struct ChartRow<'u> {
    pub file: &'u str,
    pub doc: &'u str,
    pub part: Option<String>,
    pub kind: ChartUseKind,
    pub name: Option<&'u str>,
    pub release: Option<&'u str>,
    pub namespace: Option<&'u str>,
    pub chart: Option<&'u str>,
    pub source: Option<&'u str>,
    pub key: Option<&'u str>,
    pub group: Option<&'u str>,
    pub version: Option<&'u str>,
    pub version_kind: VersionKind,
    pub digest: Option<&'u str>,
    pub how: ChartResolution,
    pub reason: Option<UnresolvedReason>,
    pub by_name: bool,
    pub rendered: Renderer,
    /// The same for the same values.
    pub values: &'u str,
    pub leaves: usize,
    pub values_from: ValuesFromCount,
    pub hr: &'u [Box<str>],
}

impl<'u> From<&'u ChartUse> for ChartRow<'u> {
    fn from(one: &'u ChartUse) -> Self {
        Self {
            file: &one.file,
            doc: &one.document,
            part: one.part.map(|part| part.to_string()),
            kind: one.kind,
            name: one.name.as_deref(),
            release: one.release.as_deref(),
            namespace: one.namespace.as_deref(),
            chart: one.chart.as_deref(),
            source: one.source.as_deref(),
            key: one.key.as_deref(),
            group: one.group.as_deref(),
            version: one.version.as_deref(),
            version_kind: one.version_kind,
            digest: one.digest.as_deref(),
            how: one.how,
            reason: one.reason,
            by_name: one.by_name,
            rendered: one.rendered,
            values: &one.values.digest,
            leaves: one.values.leaves.len(),
            values_from: one.values_from,
            hr: &one.kubesearch,
        }
    }
}

/// An image, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    pub image: String,
    pub places: usize,
    /// Places by tag; no tag is an empty one.
    pub tags: BTreeMap<String, usize>,
    /// Different digests.
    pub digests: usize,
}

impl Image {
    /// Images by their names, those with most places first.
    pub(super) fn of<'u>(found: impl Iterator<Item = &'u FoundImage>) -> Vec<Self> {
        #[derive(Default)]
        struct Places<'u> {
            places: usize,
            tags: BTreeMap<String, usize>,
            digests: BTreeSet<&'u str>,
        }
        let mut images: BTreeMap<&str, Places<'_>> = BTreeMap::new();
        for found in found {
            let FoundImage::Image(image) = found else { continue };
            let of = images.entry(&image.repository).or_default();
            of.places += 1;
            *of.tags.entry(image.tag.as_deref().unwrap_or_default().to_owned()).or_default() += 1;
            of.digests.extend(image.digest.as_deref());
        }
        let image = |(image, Places { places, tags, digests }): (&str, Places<'_>)| Self {
            image: image.to_owned(),
            places,
            tags,
            digests: digests.len(),
        };
        let mut images: Vec<Self> = images.into_iter().map(image).collect();
        images.sort_by_key(|image| std::cmp::Reverse(image.places));
        images
    }
}

impl Uses<'_> {
    /// The answer for one commit.
    #[must_use]
    pub fn answer(&self, commit: String) -> UsesAnswer<'_> {
        UsesAnswer {
            rules: RULES,
            commit,
            figures: Figures::of(self),
            charts: self.charts.iter().map(|one| ChartRow::from(one.as_ref())).collect(),
            partials: &self.partials,
            images: self.images(),
            values: ValuesAnswer { top: self.value_statistics(TOP) },
            references: &self.references,
            cycles: &self.cycles,
        }
    }
}
