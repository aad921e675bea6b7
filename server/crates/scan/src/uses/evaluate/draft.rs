//! A use under construction: where its chart is.

use entity::kind::{ChartResolution, ChartUseKind, Renderer, UnresolvedReason};
use std::sync::Arc;

use entity::credential::shown_address;

use super::super::chart_use::{ChartUse, ValuesFromCount};
use super::super::source::{SourceAddress, SourceScheme, kubesearch_keys, version_kind};
use super::super::text::{entries, is_template, items, word, word_at};
use super::super::values::{LayerLines, Layers, Merged, Values};
use super::{Asker, Known};
use crate::build::join;

/// Dependencies of one chart that are followed.
const MAX_DEPENDENCIES: usize = 500;

/// What is known of a use before its values are.
#[derive(Clone, Debug)]
pub struct Draft {
    pub part: Option<usize>,
    pub kind: ChartUseKind,
    pub name: Option<Box<str>>,
    pub release: Option<Box<str>>,
    pub namespace: Option<Box<str>>,
    pub chart: Option<Box<str>>,
    pub source: Option<Box<str>>,
    pub key: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub digest: Option<Box<str>>,
    pub how: ChartResolution,
    pub reason: Option<UnresolvedReason>,
    pub by_name: bool,
    pub kubesearch: Vec<Box<str>>,
    pub variables: Known,
    /// Of a chart in the tree.
    pub folder: Option<String>,
}

impl Draft {
    pub fn new(kind: ChartUseKind, part: Option<usize>) -> Self {
        Self {
            part,
            kind,
            name: None,
            release: None,
            namespace: None,
            chart: None,
            source: None,
            key: None,
            version: None,
            digest: None,
            how: ChartResolution::Unresolved,
            reason: None,
            by_name: false,
            kubesearch: Vec::new(),
            variables: Known::new(),
            folder: None,
        }
    }

    pub fn unresolved(mut self, reason: UnresolvedReason) -> Self {
        // An address may stand where a name is expected.
        self.chart = self.chart.map(|chart| shown_address(&chart).into());
        self.reason = Some(reason);
        self
    }

    /// A chart of a repository or registry; of an address that is the chart's own, `chart` is empty.
    pub fn placed(mut self, how: ChartResolution, url: Option<&str>, chart: &str) -> Self {
        self.chart = Some(chart.into());
        if is_template(chart) || url.is_some_and(is_template) {
            return self.unresolved(UnresolvedReason::Templated);
        }
        let Some(address) = url.and_then(SourceAddress::read) else { return self.unresolved(UnresolvedReason::NoUrl) };
        if address.scheme == SourceScheme::Git {
            return self.unresolved(UnresolvedReason::UnsupportedKind);
        }
        let place = address.chart(chart);
        self.how = how;
        self.source = Some(place.source.into());
        self.chart = Some(place.chart.into());
        self.key = Some(place.key.into());
        self
    }

    /// Notes the keys by which kubesearch has shown it.
    pub fn linked(mut self, url: Option<&str>, chart: &str) -> Self {
        if let (Some(url), Some(name)) = (url, &self.name)
            && !url.is_empty()
            && !chart.is_empty()
        {
            self.kubesearch = kubesearch_keys(&shown_address(url), chart, name);
        }
        self
    }
}

/// Values that were merged, and what they come to.
#[derive(Clone, Debug)]
pub struct MergedValues {
    pub layers: Arc<Layers>,
    pub values: Arc<Values>,
}

impl Asker<'_> {
    /// A chart in a folder of a Git repository, or of this tree where `may_be_local` and it is there.
    pub fn placed_in_git(
        &self,
        mut draft: Draft,
        how: ChartResolution,
        url: Option<&str>,
        path: &str,
        may_be_local: bool,
    ) -> Draft {
        let folder = join("", path.trim_start_matches('/'));
        let Some(folder) = folder.filter(|_| !is_template(path)) else {
            return draft.unresolved(if is_template(path) {
                UnresolvedReason::Templated
            } else {
                UnresolvedReason::NoUrl
            });
        };
        let last = folder.rsplit('/').next().unwrap_or_default();
        draft.chart = (!last.is_empty()).then(|| last.into());
        if may_be_local && let Some((_, chart)) = self.map(&in_folder(&folder, "Chart.yaml")) {
            let name = word_at(chart.node(), &["name"]);
            draft.chart = name.map(Into::into).or(draft.chart);
            draft.how = ChartResolution::Local;
            draft.source = Some(".".into());
            draft.key = Some(format!("local:{}", folder.to_lowercase()).into());
            draft.folder = Some(folder);
            return draft;
        }
        let Some(address) = url.and_then(SourceAddress::read) else { return draft.unresolved(UnresolvedReason::NoUrl) };
        draft.how = how;
        draft.source = Some(address.without_git().into());
        draft.key = Some(address.git_key(&folder).into());
        draft
    }

    /// Completes a use, and adds the dependencies of a chart of the tree.
    pub fn complete(
        &self,
        uses: &mut Vec<Arc<ChartUse>>,
        (file, document): (&Arc<str>, &Arc<str>),
        draft: Draft,
        merged: &MergedValues,
        rendered: Renderer,
    ) {
        let folder = draft.folder.clone();
        let layers = &merged.layers;
        let count = ValuesFromCount { resolved: layers.resolved, missing: layers.missing, secret: layers.secret };
        let of = Draft { folder: None, ..draft.clone() };
        uses.push(self.chart_use((file, document), of, &merged.values, count, rendered));
        if let Some(folder) = folder {
            self.dependencies(uses, &folder, &draft, &merged.layers, rendered);
        }
    }

    fn chart_use(
        &self,
        (file, document): (&Arc<str>, &Arc<str>),
        draft: Draft,
        values: &Arc<Values>,
        values_from: ValuesFromCount,
        rendered: Renderer,
    ) -> Arc<ChartUse> {
        let group = draft.key.as_deref().map(|key| self.sources.group(key).into());
        Arc::new(ChartUse {
            file: Arc::clone(file),
            document: Arc::clone(document),
            part: draft.part,
            kind: draft.kind,
            name: draft.name,
            release: draft.release,
            namespace: draft.namespace,
            chart: draft.chart,
            source: draft.source,
            key: draft.key,
            group,
            version_kind: version_kind(draft.version.as_deref()),
            version: draft.version,
            digest: draft.digest,
            how: draft.how,
            reason: draft.reason,
            by_name: draft.by_name,
            rendered,
            values: Arc::clone(values),
            values_from,
            variables: draft.variables,
            kubesearch: draft.kubesearch,
        })
    }

    /// Charts that a chart of the tree takes from elsewhere.
    fn dependencies(
        &self,
        uses: &mut Vec<Arc<ChartUse>>,
        folder: &str,
        parent: &Draft,
        values: &Layers,
        rendered: Renderer,
    ) {
        let Some((path, chart)) = self.map(&in_folder(folder, "Chart.yaml")) else { return };
        let old = self.map(&in_folder(folder, "requirements.yaml"));
        let own = self.map(&in_folder(folder, "values.yaml"));
        let old = old.as_ref().and_then(|(_, old)| old.node().get("dependencies"));
        let all = items(chart.node().get("dependencies")).chain(items(old));
        for (part, dependency) in all.enumerate().take(MAX_DEPENDENCIES) {
            let get = |key: &str| word(dependency.get(key));
            let (Some(name), Some(url)) = (get("name"), get("repository")) else { continue };
            if url.starts_with("file:") {
                continue;
            }
            let alias = get("alias").unwrap_or(name);
            let draft = Draft {
                name: Some(alias.into()),
                release: parent.release.clone(),
                namespace: parent.namespace.clone(),
                version: get("version").map(Into::into),
                ..Draft::new(ChartUseKind::Dependency, Some(part))
            };
            let draft = draft.placed(ChartResolution::Dependency, Some(url), name).linked(Some(url), name);
            let mut layers = self.no_values();
            layers.layers.clone_from(&values.layers);
            if let Some((path, own)) = &own {
                let value = entries(own.node()).into_iter().find(|(key, _)| *key == alias);
                if let Some((_, value)) = value.filter(|(_, value)| value.is_mapping()) {
                    layers.add(own.share(value), path, LayerLines::OfFile);
                }
            }
            let over: Merged = values.values.map_at(alias);
            layers.merge(over);
            let merged = self.merged(layers);
            let document = Arc::from("0");
            uses.push(self.chart_use((path, &document), draft, &merged.values, ValuesFromCount::default(), rendered));
        }
    }
}

/// A file of a folder.
pub fn in_folder(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
