//! Figures of what a tree uses.

use entity::kind::{
    ChartResolution, ChartUseKind, ImagePlaceKind, ReferenceStatus, Renderer, UnresolvedReason, VersionKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::super::chart_use::ValuesFromCount;
use super::super::image::FoundImage;
use super::{Uses, masked};

/// How much of everything there is. Empty entries of maps are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub chart_uses: usize,
    /// Documents, and parts of documents, that use a chart.
    pub chart_documents: usize,
    pub chart_uses_by_kind: BTreeMap<ChartUseKind, usize>,
    pub chart_uses_by_how: BTreeMap<ChartResolution, usize>,
    pub unresolved_by_reason: BTreeMap<UnresolvedReason, usize>,
    pub versions: BTreeMap<VersionKind, usize>,
    pub partial_releases: usize,
    pub rendered: BTreeMap<Renderer, usize>,
    pub chart_keys: usize,
    pub chart_groups: usize,
    pub values_leaves: usize,
    /// Different paths.
    pub values_paths: usize,
    /// Leaves that are not shown.
    pub values_masked: usize,
    pub values_from: ValuesFromCount,
    pub image_places: BTreeMap<ImagePlaceKind, usize>,
    pub image_places_total: usize,
    pub image_places_with_digest: usize,
    pub images: usize,
    /// Images with their tags, none being one.
    pub image_tags: usize,
    pub images_templated: usize,
    pub images_invalid: usize,
    pub images_without_repository: usize,
    pub references: usize,
    pub references_by_status: BTreeMap<ReferenceStatus, usize>,
    pub depends_on_cycles: usize,
    /// Named documents with one known namespace.
    pub namespace_one: usize,
    /// With several, one that is not known being one.
    pub namespace_several: usize,
    pub namespace_unknown: usize,
    pub namespaces: usize,
    /// Comments that tell Renovate where a version comes from.
    pub renovate_hints: u64,
}

impl Figures {
    /// Counts.
    #[must_use]
    pub fn of(uses: &Uses<'_>) -> Self {
        let mut figures = Self {
            chart_uses: uses.charts.len(),
            partial_releases: uses.partials.len(),
            values_paths: uses.value_paths(),
            references: uses.references.len(),
            depends_on_cycles: uses.cycles.len(),
            ..Self::default()
        };
        figures.count_charts(uses);
        figures.count_images(uses);
        for reference in &uses.references {
            *figures.references_by_status.entry(reference.status).or_default() += 1;
        }
        figures.count_documents(uses);
        figures
    }

    fn count_charts(&mut self, uses: &Uses<'_>) {
        let (mut documents, mut keys, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for one in &uses.charts {
            documents.insert((&one.file, &one.document, one.part));
            keys.extend(&one.key);
            groups.extend(&one.group);
            *self.chart_uses_by_kind.entry(one.kind).or_default() += 1;
            *self.chart_uses_by_how.entry(one.how).or_default() += 1;
            *self.versions.entry(one.version_kind).or_default() += 1;
            *self.rendered.entry(one.rendered).or_default() += 1;
            if let Some(reason) = one.reason {
                *self.unresolved_by_reason.entry(reason).or_default() += 1;
            }
            self.values_leaves += one.values.leaves.len();
            self.values_masked += masked(&one.values);
            self.values_from.resolved += one.values_from.resolved;
            self.values_from.missing += one.values_from.missing;
            self.values_from.secret += one.values_from.secret;
        }
        self.chart_documents = documents.len();
        self.chart_keys = keys.len();
        self.chart_groups = groups.len();
    }

    fn count_images(&mut self, uses: &Uses<'_>) {
        let (mut images, mut tags) = (BTreeSet::new(), BTreeSet::new());
        for (kind, place) in uses.image_places() {
            match &place.image {
                FoundImage::Image(image) => {
                    *self.image_places.entry(kind).or_default() += 1;
                    self.image_places_total += 1;
                    self.image_places_with_digest += usize::from(image.digest.is_some());
                    images.insert(&image.repository);
                    tags.insert((&image.repository, &image.tag));
                }
                FoundImage::Templated => self.images_templated += 1,
                FoundImage::Invalid => self.images_invalid += 1,
                FoundImage::WithoutRepository => self.images_without_repository += 1,
            }
        }
        self.images = images.len();
        self.image_tags = tags.len();
    }

    fn count_documents(&mut self, uses: &Uses<'_>) {
        let evaluator = uses.evaluator();
        let mut all: BTreeSet<Arc<str>> = BTreeSet::new();
        for (path, file) in evaluator.tree().files() {
            let Some(facts) = &file.facts else { continue };
            self.renovate_hints += u64::from(facts.renovate_hints);
            for document in facts.documents.iter().filter(|document| document.name.is_some()) {
                let ways = evaluator.ways.of_file(path);
                let namespace =
                    |way: &super::super::ways::Way| way.namespace(document.namespace.as_deref(), document.literal);
                let mut spaces: Vec<Option<Arc<str>>> = ways.iter().map(namespace).collect();
                spaces.sort_unstable();
                spaces.dedup();
                match spaces.as_slice() {
                    [None] => self.namespace_unknown += 1,
                    [_] => self.namespace_one += 1,
                    _ => self.namespace_several += 1,
                }
                all.extend(spaces.into_iter().flatten());
            }
        }
        self.namespaces = all.len();
    }
}
