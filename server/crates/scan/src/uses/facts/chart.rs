//! Releases of Flux and k3s, kustomize's charts, and the sources that they name.

use crate::mask::Rules;
use entity::kind::ValueType;
use yaml::{Limits, Node, SharedNode};

use super::super::text::{in_order, items, owned, scalar};
use super::super::values::LayerLines;
use super::{Reader, documents, first_map};

/// A reference to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectRef {
    pub kind: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub namespace: Option<Box<str>>,
}

impl ObjectRef {
    fn read(node: Option<Node<'_>>) -> Self {
        let word = |key: &str| owned(node.and_then(|node| node.get(key)));
        Self { kind: word("kind"), name: word("name"), namespace: word("namespace") }
    }
}

/// A chart as a HelmRelease or a HelmChart of Flux names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxChart {
    pub chart: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub source: ObjectRef,
}

impl FluxChart {
    fn read(spec: Option<Node<'_>>) -> Self {
        let word = |key: &str| owned(spec.and_then(|spec| spec.get(key)));
        let source = ObjectRef::read(spec.and_then(|spec| spec.get("sourceRef")));
        Self { chart: word("chart"), version: word("version"), source }
    }
}

/// A release that has a chart.
#[derive(Clone, Debug)]
pub struct HelmRelease {
    pub chart: FluxChart,
    pub chart_ref: ObjectRef,
    pub target_namespace: Option<Box<str>>,
    pub release_name: Option<Box<str>>,
    pub values_from: Box<[ValuesFrom]>,
    pub values: Option<SharedNode>,
}

/// A ConfigMap or Secret that values are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuesFrom {
    pub kind: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub key: Option<Box<str>>,
    pub target: Option<Box<str>>,
    pub line: u32,
}

impl HelmRelease {
    pub(super) fn read(reader: Reader<'_>) -> Option<Self> {
        let spec = reader.spec()?;
        let chart = FluxChart::read(spec.at(&["chart", "spec"]));
        let chart_ref = ObjectRef::read(spec.get("chartRef"));
        if chart.chart.is_none() && chart_ref.name.is_none() {
            return None;
        }
        let values_from = items(spec.get("valuesFrom")).map(|node| ValuesFrom {
            kind: owned(node.get("kind")),
            name: owned(node.get("name")),
            key: owned(node.get("valuesKey")),
            target: owned(node.get("targetPath")),
            line: node.span().line,
        });
        Some(Self {
            chart,
            chart_ref,
            target_namespace: owned(spec.get("targetNamespace")),
            release_name: owned(spec.get("releaseName")),
            values_from: values_from.collect(),
            values: map(reader.root, spec.get("values")),
        })
    }
}

/// A mapping, kept.
pub(super) fn map(root: &SharedNode, node: Option<Node<'_>>) -> Option<SharedNode> {
    node.filter(|node| node.is_mapping()).map(|node| root.share(node))
}

/// A source of Flux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmSource {
    pub url: Option<Box<str>>,
    pub version: SourceVersion,
    /// What a HelmChart says.
    pub chart: FluxChart,
}

/// What of an OCIRepository is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceVersion {
    pub tag: Option<Box<str>>,
    pub semver: Option<Box<str>>,
    pub digest: Option<Box<str>>,
}

impl HelmSource {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let spec = reader.spec();
        let version = |key: &str| owned(spec.and_then(|spec| spec.at(&["ref", key])));
        Self {
            url: owned(spec.and_then(|spec| spec.get("url"))),
            version: SourceVersion { tag: version("tag"), semver: version("semver"), digest: version("digest") },
            chart: FluxChart::read(spec),
        }
    }
}

/// A text that holds a map of values.
#[derive(Clone, Debug)]
pub struct Embedded {
    pub map: SharedNode,
    pub lines: LayerLines,
}

impl Embedded {
    /// Reads a text that is a string; `None` where it holds no map.
    pub(super) fn read(node: Option<Node<'_>>, rules: &Rules) -> Option<Self> {
        let node = node?;
        let (text, kind) = scalar(node)?;
        if kind != ValueType::String || text.is_empty() {
            return None;
        }
        let map = first_map(&documents(text.as_bytes(), &Limits::default(), rules))?;
        Some(Self { map, lines: LayerLines::of_text(node) })
    }
}

/// A HelmChart of k3s, or its HelmChartConfig.
#[derive(Clone, Debug)]
pub struct K3sChart {
    pub chart: Option<Box<str>>,
    pub repository: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub target_namespace: Option<Box<str>>,
    /// Whether it carries the chart itself.
    pub has_content: bool,
    pub values_content: Option<Embedded>,
    pub values: Option<SharedNode>,
    pub secrets: u32,
    pub set: Box<[Setting]>,
}

/// A value that is set by a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub path: Box<str>,
    pub text: Box<str>,
    pub kind: ValueType,
    pub line: u32,
    pub hidden: bool,
}

impl K3sChart {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let spec = reader.spec();
        let get = |key: &str| spec.and_then(|spec| spec.get(key));
        let set = get("set").into_iter().flat_map(in_order).filter_map(|(path, node)| {
            let (text, kind) = scalar(node).filter(|(_, kind)| *kind != ValueType::Null)?;
            // Texts get the type that `--set` gives them.
            let kind = if kind == ValueType::String { super::super::values::typed(text, false) } else { kind };
            let (line, hidden) = (node.span().line, node.is_hidden());
            Some(Setting { path: path.into(), text: text.into(), kind, line, hidden })
        });
        Self {
            chart: owned(get("chart")),
            repository: owned(get("repo")),
            version: owned(get("version")),
            target_namespace: owned(get("targetNamespace")),
            has_content: word_of_any_length(get("chartContent")),
            values_content: Embedded::read(get("valuesContent"), reader.rules),
            values: map(reader.root, get("values")),
            secrets: items(get("valuesSecrets")).map(|_| 1).sum(),
            set: set.take(super::super::text::MAX_LISTED).collect(),
        }
    }
}

fn word_of_any_length(node: Option<Node<'_>>) -> bool {
    node.and_then(Node::scalar).is_some_and(|text| !text.trim().is_empty())
}

/// A chart that kustomize renders: an entry of `helmCharts`, or of the older `helmChartInflationGenerator`.
#[derive(Clone, Debug)]
pub struct Inflation {
    pub chart: Option<Box<str>>,
    pub url: Option<Box<str>>,
    pub version: Option<Box<str>>,
    pub namespace: Option<Box<str>>,
    pub release_name: Option<Box<str>>,
    pub chart_home: Option<Box<str>>,
    pub values_file: Option<Box<str>>,
    pub inline: Option<SharedNode>,
    pub merge: Option<Box<str>>,
    pub further_files: Box<[Box<str>]>,
}

impl Inflation {
    /// Reads an entry; `is_old`: of the older form, whose fields are called otherwise.
    pub(super) fn read(entry: &SharedNode, is_old: bool) -> Self {
        let node = entry.node();
        let word = |key: &str| owned(node.get(key));
        let of = |old: &str, new: &str| word(if is_old { old } else { new });
        let filled = |key: &str| map(entry, node.get(key)).filter(|map| map.node().entries().len() > 0);
        Self {
            chart: of("chartName", "name"),
            url: of("chartRepoUrl", "repo"),
            version: of("chartVersion", "version"),
            namespace: of("releaseNamespace", "namespace"),
            release_name: word("releaseName"),
            chart_home: word("chartHome"),
            values_file: word("valuesFile").or_else(|| word("values")),
            inline: filled("valuesInline").or_else(|| filled("valuesLocal")),
            merge: word("valuesMerge"),
            further_files: items(node.get("additionalValuesFiles")).filter_map(|item| owned(Some(item))).collect(),
        }
    }
}
