//! Applications of Argo CD.

use entity::kind::{ChartResolution, ChartUseKind};
use std::sync::Arc;

use super::super::chart_use::ChartUse;
use super::super::facts::{ArgoFacts, ArgoSource, DocumentFacts};
use super::super::values::{LayerLines, Layers, Merged};
use super::super::ways::{Way, rendered};
use super::draft::{Draft, in_folder};
use super::{Asker, Place};
use crate::build::{fill_in, join};

/// Uses that one ApplicationSet may make.
const MAX_USES: usize = 5_000;

impl<'e> Asker<'e> {
    pub(super) fn argo_charts(
        &self,
        place: Place<'e>,
        document: &'e DocumentFacts,
        argo: &'e ArgoFacts,
        ways: &'e [Way],
    ) -> Vec<Arc<ChartUse>> {
        let mut uses = Vec::new();
        let Some(name) = &argo.name else { return uses };
        let applied = self.applied(&argo.application);
        let rendered = rendered(ways);
        let at = (place.path, &document.number);
        for (part, source) in argo.sources.iter().enumerate() {
            let mut draft = Draft::new(ChartUseKind::Argo, Some(part));
            draft.name = Some(name.clone());
            draft.namespace.clone_from(&argo.namespace);
            draft.release = source.release_name.clone().or_else(|| draft.name.clone());
            draft.version.clone_from(&source.revision);
            let url = source.url.as_deref();
            if let Some(chart) = &source.chart {
                // Without a scheme it is a registry.
                let registry = url.filter(|url| !url.contains("://")).map(|url| format!("oci://{url}"));
                let draft = draft.placed(ChartResolution::Argo, registry.as_deref().or(url), chart).linked(url, chart);
                let merged = self.merged(self.argo_values(place, argo, source, None));
                self.complete(&mut uses, at, draft, &merged, rendered);
                continue;
            }
            if url.is_some_and(|url| url.starts_with("oci://")) {
                let merged = self.merged(self.argo_values(place, argo, source, None));
                self.complete(&mut uses, at, draft.placed(ChartResolution::Argo, url, ""), &merged, rendered);
                continue;
            }
            let Some(path) = &source.path else { continue };
            let mut is_here = false;
            for applied in applied.iter().filter(|applied| applied.source == part) {
                is_here = true;
                if uses.len() >= MAX_USES || !self.has_file(&in_folder(&applied.folder, "Chart.yaml")) {
                    continue;
                }
                let mut draft = draft.clone();
                draft.namespace = applied.namespace.as_deref().map(Into::into);
                draft.version = None;
                if argo.is_set && name.contains("{{") {
                    let filled = fill_in(name, &applied.folder).map_or_else(|| name.clone(), Into::into);
                    draft.release = source.release_name.clone().or_else(|| Some(filled.clone()));
                    draft.name = Some(filled);
                }
                let draft = self.placed_in_git(draft, ChartResolution::ArgoGit, None, &applied.folder, true);
                let merged = self.merged(self.argo_values(place, argo, source, Some(&applied.folder)));
                self.complete(&mut uses, at, draft, &merged, rendered);
            }
            if !is_here && source.has_helm {
                let draft = self.placed_in_git(draft, ChartResolution::ArgoGit, url, path, false);
                let merged = self.merged(self.argo_values(place, argo, source, None));
                self.complete(&mut uses, at, draft, &merged, rendered);
            }
        }
        uses
    }

    /// `folder`: of a chart in the tree, whose files of values lie there.
    fn argo_values(&self, place: Place<'e>, argo: &ArgoFacts, source: &ArgoSource, folder: Option<&str>) -> Layers {
        let mut layers = self.no_values();
        for file in &source.value_files {
            let of_ref =
                file.strip_prefix('$').and_then(|rest| rest.split_once('/')).filter(|(name, _)| !name.is_empty());
            let path = match (of_ref, folder) {
                (Some((name, path)), _) => argo.refs.contains(name).then(|| join("", path)).flatten(),
                // It lies inside the chart.
                (None, None) if !file.contains("://") => continue,
                (None, None) => None,
                (None, Some(folder)) => match file.strip_prefix('/') {
                    Some(path) => join("", path),
                    None => join(folder, file),
                },
            };
            match path.and_then(|path| self.map(&path)) {
                Some((path, map)) => {
                    layers.resolved += 1;
                    layers.add(map, path, LayerLines::OfFile);
                }
                None => layers.missing += 1,
            }
        }
        if let Some(values) = &source.values_object {
            layers.add(values.clone(), place.path, LayerLines::OfFile);
        } else if let Some(values) = &source.values {
            layers.add(values.map.clone(), place.path, values.lines);
        }
        for parameter in &source.parameters {
            let layer = layers.layer(place.path, LayerLines::OfFile);
            let (text, kind) = (parameter.text.clone(), parameter.kind);
            let (line, hidden) = (parameter.line, parameter.hidden);
            layers.put(&parameter.path, Merged::Text { text, kind, layer, line, hidden });
        }
        layers
    }
}
