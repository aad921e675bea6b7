//! Releases of Flux.

use entity::kind::{ChartResolution, ChartUseKind, UnresolvedReason, ValueType};
use std::collections::HashMap;
use std::sync::Arc;

use super::super::chart_use::ChartUse;
use super::super::facts::{DocumentFacts, FluxChart, HelmRelease, HelmSource, Subject, ValuesFrom};
use super::super::index::{Entry, Fact, Key};
use super::super::text::{ENCRYPTED, is_template};
use super::super::values::{LayerLines, Layers, Merged, typed};
use super::super::ways::{Way, rendered};
use super::choose::choose;
use super::config_map::{DataText, TextId};
use super::draft::{Draft, MergedValues};
use super::{Asker, Place};

/// A release in one build.
struct Release<'e> {
    place: Place<'e>,
    way: &'e Way,
    literal: bool,
    namespace: Option<Arc<str>>,
}

impl Release<'_> {
    fn put_in(&self, text: Option<&str>) -> Option<Box<str>> {
        let text = self.way.put_into(text?, self.literal);
        (!text.is_empty()).then(|| text.as_ref().into())
    }
}

impl<'e> Asker<'e> {
    pub(super) fn flux_charts(
        &self,
        place: Place<'e>,
        document: &'e DocumentFacts,
        release: &'e HelmRelease,
        ways: &'e [Way],
    ) -> Vec<Arc<ChartUse>> {
        let mut uses = Vec::new();
        let mut known: HashMap<Vec<Option<TextId>>, MergedValues> = HashMap::new();
        for way in ways {
            let namespace = way.namespace(document.namespace.as_deref(), document.literal);
            let context = Release { place, way, literal: document.literal, namespace };
            let target = context.put_in(release.target_namespace.as_deref());
            let name = context.put_in(document.name.as_deref());
            let mut draft = Draft::new(ChartUseKind::HelmRelease, None);
            draft.release = context.put_in(release.release_name.as_deref()).or_else(|| match (&target, &name) {
                (Some(target), Some(name)) => Some(format!("{target}-{name}").into()),
                _ => name.clone(),
            });
            draft.name = name;
            draft.namespace = target.or_else(|| context.namespace.as_deref().map(Into::into));
            let draft = if release.chart_ref.name.is_some() {
                self.by_chart_ref(&context, draft, release)
            } else {
                self.by_chart(&context, draft, &release.chart, context.namespace.clone(), place.path)
            };
            let texts = self.texts(&context, &release.values_from);
            let ids = texts.iter().map(|text| text.as_ref().map(DataText::id)).collect();
            let merged = known.entry(ids).or_insert_with(|| {
                let layers = self.flux_values(place, release, &texts);
                match &release.values {
                    Some(own) if release.values_from.is_empty() => self.merged_own(layers, own),
                    _ => self.merged(layers),
                }
            });
            let draft = Draft { variables: self.variables(way, document.literal, &merged.values), ..draft };
            self.complete(&mut uses, (place.path, &document.number), draft, merged, rendered(ways));
        }
        uses
    }

    /// A chart that is a source itself.
    fn by_chart_ref(&self, release: &Release<'e>, mut draft: Draft, written: &HelmRelease) -> Draft {
        let reference = &written.chart_ref;
        let kind = release.put_in(reference.kind.as_deref()).unwrap_or_else(|| "OCIRepository".into());
        let name = release.put_in(reference.name.as_deref()).unwrap_or_default();
        let namespace =
            release.put_in(reference.namespace.as_deref()).map(Arc::from).or_else(|| release.namespace.clone());
        if is_template(&name) {
            return draft.unresolved(UnresolvedReason::Templated);
        }
        let entries = self.entries(Key::Source(kind.as_ref().into(), name.as_ref().into()));
        let file = release.place.path;
        match kind.as_ref() {
            "HelmChart" => {
                let same = |left: &Entry, right: &Entry| left.file == right.file && left.position == right.position;
                let (entry, by_name) = match choose(entries, namespace.as_deref(), release.way, file, same) {
                    Ok(chosen) => chosen,
                    Err(reason) => return draft.unresolved(reason),
                };
                draft.by_name = by_name;
                let Some(source) = self.source(entry) else {
                    return draft.unresolved(UnresolvedReason::SourceNotFound);
                };
                self.by_chart(release, draft, &source.chart, entry.namespace.clone().or(namespace), &entry.file)
            }
            "OCIRepository" => {
                let (entry, by_name) = match choose(entries, namespace.as_deref(), release.way, file, agree) {
                    Ok(chosen) => chosen,
                    Err(reason) => return draft.unresolved(reason),
                };
                draft.by_name = by_name;
                let Fact::Source { url, version, .. } = &entry.fact else {
                    return draft.unresolved(UnresolvedReason::SourceNotFound);
                };
                let text = |text: &Option<Arc<str>>| -> Option<Box<str>> { text.as_deref().map(Into::into) };
                // What is empty with the variables put in is left for the next.
                let filled = |one: &Option<Arc<str>>| text(one).filter(|text| !text.is_empty());
                draft.version =
                    filled(&version.semver).or_else(|| filled(&version.tag)).or_else(|| text(&version.digest));
                draft.digest = text(&version.digest);
                draft.placed(ChartResolution::OciRepository, url.as_deref(), "").linked(url.as_deref(), &name)
            }
            _ => draft.unresolved(UnresolvedReason::UnsupportedKind),
        }
    }

    /// A chart of a source. `file`: of the document that names the source.
    fn by_chart(
        &self,
        release: &Release<'e>,
        mut draft: Draft,
        written: &FluxChart,
        own: Option<Arc<str>>,
        file: &str,
    ) -> Draft {
        // It may come to nothing, which is not the same as none.
        draft.version =
            written.version.as_deref().map(|text| release.way.put_into(text, release.literal).as_ref().into());
        draft.chart = release.put_in(written.chart.as_deref());
        let chart = draft.chart.clone().unwrap_or_default();
        let kind = release.put_in(written.source.kind.as_deref());
        let name = release.put_in(written.source.name.as_deref());
        let namespace = release.put_in(written.source.namespace.as_deref()).map(Arc::from).or(own);
        let Some(name) = name else { return draft.unresolved(UnresolvedReason::SourceNotFound) };
        if is_template(&name) {
            return draft.unresolved(UnresolvedReason::Templated);
        }
        let Some(kind) = kind else { return draft.unresolved(UnresolvedReason::SourceNotFound) };
        let entries = self.entries(Key::Source(kind.as_ref().into(), name.as_ref().into()));
        let chosen = choose(entries, namespace.as_deref(), release.way, file, agree);
        draft.by_name = chosen.is_ok_and(|(_, by_name)| by_name);
        let url = chosen.map(|(entry, _)| match &entry.fact {
            Fact::Source { url, .. } => url.as_deref(),
            _ => None,
        });
        match (kind.as_ref(), url) {
            ("HelmRepository" | "GitRepository", _) if chart.is_empty() => draft.unresolved(UnresolvedReason::NoUrl),
            ("HelmRepository", Ok(url)) => {
                draft.placed(ChartResolution::HelmRepository, url, &chart).linked(url, &chart)
            }
            ("HelmRepository", Err(reason)) => match self.hint(file, &chart) {
                Some(url) => draft.placed(ChartResolution::Hint, Some(url), &chart),
                None => draft.unresolved(reason),
            },
            ("GitRepository", Ok(url)) => self.placed_in_git(draft, ChartResolution::GitRepository, url, &chart, true),
            ("GitRepository", Err(reason)) => {
                let local = self.placed_in_git(draft.clone(), ChartResolution::GitRepository, None, &chart, true);
                if local.how == ChartResolution::Local { local } else { draft.unresolved(reason) }
            }
            _ => draft.unresolved(UnresolvedReason::UnsupportedKind),
        }
    }

    fn source(&self, entry: &Entry) -> Option<&'e HelmSource> {
        match &self.tree.facts(&entry.file)?.documents.get(entry.position)?.subject {
            Subject::Source(source) => Some(source),
            _ => None,
        }
    }

    /// The one address that comments of the file name for a chart.
    fn hint(&self, file: &str, chart: &str) -> Option<&'e str> {
        self.note(Key::File(file.into()));
        let hints = &self.tree.facts(file)?.registry_hints;
        let mut urls = hints.iter().filter(|(named, _)| **named == *chart).map(|(_, url)| &**url);
        let first = urls.next()?;
        urls.all(|url| url == first).then_some(first)
    }

    /// The texts that values are taken from; `None` for what is none or not there.
    fn texts(&self, release: &Release<'e>, from: &[ValuesFrom]) -> Vec<Option<DataText<'e>>> {
        let text = |from: &ValuesFrom| {
            (from.kind.as_deref() == Some("ConfigMap")).then_some(())?;
            let name = release.put_in(from.name.as_deref())?;
            let key = release.put_in(from.key.as_deref()).unwrap_or_else(|| "values.yaml".into());
            let namespace = release.namespace.as_deref();
            let text = self.config_map_text((&name, &key), namespace, release.way, release.place.path)?;
            (!text.text().starts_with(ENCRYPTED)).then_some(text)
        };
        from.iter().map(text).collect()
    }

    fn flux_values(&self, place: Place<'e>, release: &HelmRelease, texts: &[Option<DataText<'e>>]) -> Layers {
        let mut layers = self.no_values();
        for (from, text) in release.values_from.iter().zip(texts) {
            match (from.kind.as_deref(), text) {
                (Some("Secret"), _) => {
                    layers.secret += 1;
                    if let Some(target) = &from.target {
                        let layer = layers.layer(place.path, LayerLines::OfFile);
                        let (text, kind) = (Box::default(), ValueType::Secret);
                        layers.put(target, Merged::Text { text, kind, layer, line: from.line, hidden: true });
                    }
                }
                (Some("ConfigMap"), None) => layers.missing += 1,
                (Some("ConfigMap"), Some(text)) => match (&from.target, self.map_of_values(from, text)) {
                    (Some(target), _) => {
                        layers.resolved += 1;
                        let layer = layers.layer(text.file, text.lines());
                        layers.put(target, set_text(text, layer));
                    }
                    (None, Some(map)) => {
                        layers.resolved += 1;
                        layers.add(map, text.file, text.lines());
                    }
                    (None, None) => layers.missing += 1,
                },
                _ => {}
            }
        }
        if let Some(values) = &release.values {
            layers.add(values.clone(), place.path, LayerLines::OfFile);
        }
        layers
    }

    fn map_of_values(&self, from: &ValuesFrom, text: &DataText<'_>) -> Option<yaml::SharedNode> {
        if from.target.is_some() { None } else { self.map_of(text) }
    }
}

/// A text that is set by a path: quoted ones are strings.
fn set_text(text: &DataText<'_>, layer: u16) -> Merged {
    let written = text.text();
    let inner = ['\'', '"'].iter().find_map(|quote| {
        let quoted = written.len() > 1 && written.starts_with(*quote) && written.ends_with(*quote);
        quoted.then(|| &written[1..written.len() - 1])
    });
    let content = inner.unwrap_or(written);
    let kind = typed(content, inner.is_some());
    Merged::Text { text: content.into(), kind, layer, line: 1, hidden: text.is_hidden() }
}

fn agree(left: &Entry, right: &Entry) -> bool {
    match (&left.fact, &right.fact) {
        (Fact::Source { url, version, .. }, Fact::Source { url: other, version: other_version, .. }) => {
            url == other && version == other_version
        }
        _ => false,
    }
}
