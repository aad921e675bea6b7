//! Applications of Argo CD and the templates of ApplicationSets.

use entity::kind::ValueType;
use std::collections::BTreeSet;

use yaml::{Node, SharedNode};

use super::super::text::{items, owned, scalar, word, word_at};
use super::super::values::typed;
use super::Reader;
use super::chart::{Embedded, Setting, map};
use crate::build::Application;

/// What an Application, or the template of an ApplicationSet, says about charts.
#[derive(Clone, Debug)]
pub struct ArgoFacts {
    pub is_set: bool,
    /// Of the Application that it is or makes.
    pub name: Option<Box<str>>,
    pub namespace: Option<Box<str>>,
    pub sources: Vec<ArgoSource>,
    /// The names by which value files name other sources.
    pub refs: BTreeSet<Box<str>>,
    /// Which folders are applied.
    pub application: Application,
}

/// One source.
#[derive(Clone, Debug)]
pub struct ArgoSource {
    pub chart: Option<Box<str>>,
    pub url: Option<Box<str>>,
    pub path: Option<Box<str>>,
    pub revision: Option<Box<str>>,
    /// Whether it has a `helm` block that says something.
    pub has_helm: bool,
    pub release_name: Option<Box<str>>,
    pub value_files: Box<[Box<str>]>,
    pub values_object: Option<SharedNode>,
    pub values: Option<Embedded>,
    pub parameters: Box<[Setting]>,
}

impl ArgoFacts {
    pub(super) fn read(reader: Reader<'_>) -> Self {
        let is_set = reader.kind == "ApplicationSet";
        let body = reader.body();
        let spec = if is_set { body.at(&["spec", "template", "spec"]) } else { body.get("spec") };
        let get = |key: &str| spec.and_then(|spec| spec.get(key));
        let many: Vec<Node<'_>> = items(get("sources")).filter(|node| node.is_mapping()).collect();
        let single = get("source").filter(|node| node.is_mapping() && many.is_empty());
        let nodes: Vec<Node<'_>> = many.into_iter().chain(single).collect();
        let name = match is_set {
            true => word(body.at(&["spec", "template", "metadata", "name"])),
            false => reader.name,
        };
        Self {
            is_set,
            name: name.map(Into::into),
            namespace: owned(spec.and_then(|spec| spec.at(&["destination", "namespace"]))),
            refs: nodes.iter().filter_map(|node| owned(node.get("ref"))).collect(),
            sources: nodes.into_iter().map(|node| ArgoSource::read(reader, node)).collect(),
            application: Application::read(body, reader.kind),
        }
    }
}

impl ArgoSource {
    fn read(reader: Reader<'_>, node: Node<'_>) -> Self {
        let helm = node.get("helm").filter(|helm| helm.is_mapping());
        let get = |key: &str| helm.and_then(|helm| helm.get(key));
        let parameters = items(get("parameters")).filter_map(|parameter| {
            let path = word_at(parameter, &["name"])?;
            let value = parameter.get("value");
            let text = value.and_then(scalar).filter(|(_, kind)| *kind != ValueType::Null);
            let as_string = parameter.get("forceString").and_then(scalar).is_some_and(|(text, _)| text == "true");
            let text = text.map_or("", |(text, _)| text);
            Some(Setting {
                path: path.into(),
                text: text.into(),
                kind: typed(text, as_string),
                line: parameter.span().line,
                hidden: value.is_some_and(Node::is_hidden),
            })
        });
        Self {
            chart: owned(node.get("chart")),
            url: owned(node.get("repoURL")),
            path: owned(node.get("path")),
            revision: owned(node.get("targetRevision")),
            has_helm: helm.is_some_and(|helm| helm.entries().len() > 0),
            release_name: owned(get("releaseName")),
            value_files: items(get("valueFiles")).filter_map(|item| owned(Some(item))).collect(),
            values_object: map(reader.root, get("valuesObject")),
            values: Embedded::read(get("values"), reader.rules),
            parameters: parameters.collect(),
        }
    }
}
