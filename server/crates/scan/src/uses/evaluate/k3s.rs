//! Charts that k3s installs.

use entity::kind::{ChartResolution, ChartUseKind, UnresolvedReason};
use std::sync::Arc;

use super::super::chart_use::ChartUse;
use super::super::facts::{DocumentFacts, K3sChart, Subject};
use super::super::index::Key;
use super::super::values::{LayerLines, Layers, Merged};
use super::super::ways::{Way, rendered};
use super::draft::Draft;
use super::{Asker, Place};

impl<'e> Asker<'e> {
    pub(super) fn k3s_charts(
        &self,
        place: Place<'e>,
        document: &'e DocumentFacts,
        chart: &'e K3sChart,
        ways: &'e [Way],
    ) -> Vec<Arc<ChartUse>> {
        let merged = self.merged(self.k3s_values(place, document, chart));
        let mut uses = Vec::new();
        for way in ways {
            let put_in = |text: &Option<Box<str>>| -> Option<Box<str>> {
                text.as_deref().map(|text| way.put_into(text, document.literal).as_ref().into())
            };
            let mut draft = Draft::new(ChartUseKind::K3s, None);
            draft.name = document.name.as_deref().map(|name| way.put_into(name, document.literal).as_ref().into());
            draft.release.clone_from(&draft.name);
            let own = || way.namespace(document.namespace.as_deref(), document.literal);
            let target = put_in(&chart.target_namespace).filter(|target| !target.is_empty());
            draft.namespace = target.or_else(|| own().as_deref().map(Into::into));
            draft.version = put_in(&chart.version);
            let draft = placed(draft, put_in(&chart.chart), put_in(&chart.repository), chart.has_content);
            let draft = Draft { variables: self.variables(way, document.literal, &merged.values), ..draft };
            self.complete(&mut uses, (place.path, &document.number), draft, &merged, rendered(ways));
        }
        uses
    }

    fn k3s_values(&self, place: Place<'e>, document: &DocumentFacts, chart: &K3sChart) -> Layers {
        let mut layers = self.no_values();
        layers.secret = chart.secrets;
        add(&mut layers, chart, place.path);
        if let Some(name) = &document.name {
            let mut last = None;
            for entry in self.entries(Key::K3sConfig(Arc::clone(name))) {
                // Several builds may reach one of them.
                if last == Some((&entry.file, entry.position)) {
                    continue;
                }
                last = Some((&entry.file, entry.position));
                let facts = self.tree.facts(&entry.file);
                let config = facts.and_then(|facts| facts.documents.get(entry.position));
                if let Some(Subject::K3sConfig(config)) = config.map(|document| &document.subject) {
                    add(&mut layers, config, &entry.file);
                }
            }
        }
        for setting in &chart.set {
            let layer = layers.layer(place.path, LayerLines::OfFile);
            let (text, kind) = (setting.text.clone(), setting.kind);
            layers.put(&setting.path, Merged::Text { text, kind, layer, line: setting.line, hidden: setting.hidden });
        }
        layers
    }
}

fn add(layers: &mut Layers, chart: &K3sChart, file: &Arc<str>) {
    if let Some(content) = &chart.values_content {
        layers.add(content.map.clone(), file, content.lines);
    }
    if let Some(values) = &chart.values {
        layers.add(values.clone(), file, LayerLines::OfFile);
    }
}

fn placed(mut draft: Draft, chart: Option<Box<str>>, repository: Option<Box<str>>, has_content: bool) -> Draft {
    draft.chart.clone_from(&chart);
    let Some(chart) = chart.filter(|chart| !has_content && !chart.is_empty()) else {
        return draft.unresolved(UnresolvedReason::NoUrl);
    };
    if chart.starts_with("oci://") {
        return draft.placed(ChartResolution::K3s, Some(&chart), "");
    }
    if chart.contains("://") {
        return match packaged(&chart) {
            Some((url, name)) => draft.placed(ChartResolution::K3s, Some(url), name),
            None => draft.unresolved(UnresolvedReason::NoUrl),
        };
    }
    match repository {
        Some(url) => draft.placed(ChartResolution::K3s, Some(&url), &chart),
        None => draft.unresolved(UnresolvedReason::NoUrl),
    }
}

/// Repository and name of `https://HOST/PATH/NAME-VERSION.tgz`.
fn packaged(url: &str) -> Option<(&str, &str)> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return None;
    }
    let (repository, file) = url.strip_suffix(".tgz")?.rsplit_once('/')?;
    let is_version = |rest: &str| rest.strip_prefix('v').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit());
    let (at, _) = file.match_indices('-').find(|(at, _)| *at > 0 && is_version(&file[at + 1..]))?;
    (!repository.ends_with('/')).then_some((repository, &file[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_tells_its_repository_and_name() {
        let right = Some(("https://a.example/charts", "web-app"));
        assert_eq!(packaged("https://a.example/charts/web-app-v1.2.3.tgz"), right);
        assert_eq!(packaged("https://a.example/charts/web-app-1.2.3-4.tgz"), right);
        for url in ["https://a.example/charts/web.tgz", "ftp://a.example/web-1.tgz", "https://web-1.tgz"] {
            assert_eq!(packaged(url), None, "{url}");
        }
    }
}
