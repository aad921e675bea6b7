//! What is told of a tree: its uses, images, values and references, and figures of them.

mod cycles;
mod figures;
mod json;

use entity::kind::{ImagePlaceKind, ReferenceStatus};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub use figures::Figures;
pub use json::{ChartRow, Image, UsesAnswer};

use super::chart_use::{ChartUse, once};
use super::evaluate::Reference;
use super::evaluator::Evaluator;
use super::image::{FoundImage, ImagePlace};
use super::values::{PathStatistic, Values, statistics};

/// Everything that a tree uses.
#[derive(Debug)]
pub struct Uses<'e> {
    evaluator: &'e Evaluator,
    /// Each once, in the order of files.
    pub charts: Vec<Arc<ChartUse>>,
    /// Releases without a chart, as `file#no`.
    pub partials: Vec<&'e str>,
    pub references: Vec<&'e Reference>,
    /// Documents that wait for each other, as `file#no Kind/namespace/name`.
    pub cycles: Vec<Vec<&'e str>>,
}

impl<'e> Uses<'e> {
    /// Puts together what units say.
    #[must_use]
    pub fn of(evaluator: &'e Evaluator) -> Self {
        let states = || evaluator.units.values();
        let charts = once(states().flat_map(|state| state.charts.uses.iter().cloned()).collect());
        let partials = states().filter_map(|state| state.charts.partial.as_deref()).collect();
        let references = states().flat_map(|state| &state.references.references).collect();
        let cycles = cycles::cycles(states().flat_map(|state| &state.references.depends_on));
        Self { evaluator, charts, partials, references, cycles }
    }

    /// Every place where an image is expected.
    pub fn image_places(&self) -> impl Iterator<Item = (ImagePlaceKind, &ImagePlace)> {
        let values = self.charts.iter().flat_map(|one| &one.values.images).map(|image| (ImagePlaceKind::Values, image));
        let files = self.evaluator.tree().files().filter_map(|(path, file)| Some((path, file.facts.as_deref()?)));
        let own = files.flat_map(|(path, facts)| self.evaluator.images_of(path, facts));
        values.chain(own.filter_map(|(_, image, replaced)| match (replaced, &image.image) {
            // Other kinds have fields of that name that change no chart's default.
            (_, FoundImage::WithoutRepository) => None,
            (true, _) => Some((ImagePlaceKind::Kustomize, image)),
            (false, _) => Some((ImagePlaceKind::Resource, image)),
        }))
    }

    /// How many uses have more values than are kept.
    #[must_use]
    pub fn cut_values(&self) -> usize {
        self.charts.iter().filter(|one| one.values.is_cut).count()
    }

    /// How many documents name more than is kept.
    #[must_use]
    pub fn cut_references(&self) -> usize {
        self.evaluator.units.values().filter(|state| state.references.is_cut).count()
    }

    /// References that lead nowhere.
    pub fn dangling(&self) -> impl Iterator<Item = &'e Reference> {
        self.references.iter().copied().filter(|reference| reference.status == ReferenceStatus::Dangling)
    }

    /// The images, those with most places first.
    #[must_use]
    pub fn images(&self) -> Vec<Image> {
        Image::of(self.image_places().map(|(_, place)| &place.image))
    }

    /// The most common paths of values.
    #[must_use]
    pub fn value_statistics(&self, limit: usize) -> Vec<PathStatistic> {
        statistics(self.charts.iter().map(|one| one.values.as_ref()), limit).0
    }

    /// How many paths of values there are.
    #[must_use]
    pub fn value_paths(&self) -> usize {
        let leaves = self.charts.iter().flat_map(|one| &one.values.leaves);
        leaves.map(|leaf| &*leaf.path).collect::<HashSet<&str>>().len()
    }

    /// The uses of each group of charts.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&str, Vec<&ChartUse>> {
        let mut groups: BTreeMap<&str, Vec<&ChartUse>> = BTreeMap::new();
        for one in &self.charts {
            if let Some(group) = &one.group {
                groups.entry(group).or_default().push(one);
            }
        }
        groups
    }

    /// The evaluator that it is of.
    pub(super) fn evaluator(&self) -> &'e Evaluator {
        self.evaluator
    }
}

/// Shared by what counts values.
fn masked(values: &Values) -> usize {
    values.leaves.iter().filter(|leaf| leaf.masked).count()
}
