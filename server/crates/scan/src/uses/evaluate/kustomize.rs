//! Charts that kustomize renders.

use entity::kind::{ChartResolution, ChartUseKind, UnresolvedReason};
use std::sync::Arc;

use super::super::chart_use::ChartUse;
use super::super::facts::{Inflation, KustomizationFacts};
use super::super::values::{LayerLines, Layers, Merged};
use super::super::ways::{Way, rendered};
use super::draft::{Draft, in_folder};
use super::{Asker, Place, once};
use crate::build::{folder, join};

/// Where charts without an address are.
const CHART_HOME: &str = "charts";

impl<'e> Asker<'e> {
    /// The charts of a folder's kustomization.
    pub(super) fn kustomize_charts(&self, place: Place<'e>, facts: &'e KustomizationFacts) -> Vec<Arc<ChartUse>> {
        let ways = self.ways_of(place.path);
        let number = Arc::from("0");
        let charts = facts.charts.iter().enumerate();
        once(charts.flat_map(|(part, chart)| self.inflated_charts(place, &number, Some(part), chart, ways)).collect())
    }

    pub(super) fn inflated_charts(
        &self,
        place: Place<'e>,
        number: &Arc<str>,
        part: Option<usize>,
        chart: &'e Inflation,
        ways: &'e [Way],
    ) -> Vec<Arc<ChartUse>> {
        let merged = self.merged(self.inflation_values(place, chart));
        let mut uses = Vec::new();
        for way in ways {
            let mut draft = Draft::new(ChartUseKind::Kustomize, part);
            draft.name = chart.release_name.clone().or_else(|| chart.chart.clone());
            draft.release.clone_from(&draft.name);
            draft.namespace = way.namespace_as_written(chart.namespace.as_deref()).as_deref().map(Into::into);
            draft.version.clone_from(&chart.version);
            let draft = self.inflation_place(place, draft, chart);
            self.complete(&mut uses, (place.path, number), draft, &merged, rendered(ways));
        }
        uses
    }

    fn inflation_place(&self, place: Place<'e>, mut draft: Draft, chart: &Inflation) -> Draft {
        let Some(name) = &chart.chart else { return draft.unresolved(UnresolvedReason::NoUrl) };
        if let Some(url) = &chart.url {
            return draft.placed(ChartResolution::Kustomize, Some(url), name);
        }
        let base = folder(place.path);
        let common = self.kustomization(base).and_then(|facts| facts.chart_home.as_deref());
        let home = common.or(chart.chart_home.as_deref()).unwrap_or(CHART_HOME);
        let found = join(base, &format!("{home}/{name}")).filter(|folder| !folder.is_empty());
        match found.filter(|folder| self.has_file(&in_folder(folder, "Chart.yaml"))) {
            Some(folder) => self.placed_in_git(draft, ChartResolution::Kustomize, None, &folder, true),
            None => {
                draft.chart = Some(name.clone());
                draft.unresolved(UnresolvedReason::NoUrl)
            }
        }
    }

    fn inflation_values(&self, place: Place<'e>, chart: &Inflation) -> Layers {
        let mut layers = self.no_values();
        let base = folder(place.path);
        let of_file = |layers: &mut Layers, file: &str| {
            let found = join(base, file).and_then(|path| self.map(&path));
            match found {
                Some((path, map)) => {
                    layers.resolved += 1;
                    Merged::Node(map, layers.layer(path, LayerLines::OfFile))
                }
                None => {
                    layers.missing += 1;
                    Merged::empty()
                }
            }
        };
        let file = chart.values_file.as_deref().map_or_else(Merged::empty, |file| of_file(&mut layers, file));
        let inline = chart.inline.clone();
        let layer = layers.layer(place.path, LayerLines::OfFile);
        let inline = inline.map(|inline| Merged::Node(inline, layer));
        layers.values = match (chart.merge.as_deref(), inline) {
            (_, None) => file,
            (Some("replace"), Some(inline)) => inline,
            (Some("merge"), Some(inline)) => layers.merged(inline, file),
            (_, Some(inline)) => layers.merged(file, inline),
        };
        for further in &chart.further_files {
            let over = of_file(&mut layers, further);
            layers.merge(over);
        }
        layers
    }
}
