//! What a kustomization makes, and what it names.

use yaml::{Node, SharedNode};

use super::super::image::{ImagePlace, classify};
use super::super::text::{items, owned, string, word, word_at};
use super::chart::Inflation;

/// What a kustomization says beside what it builds.
#[derive(Clone, Debug, Default)]
pub struct KustomizationFacts {
    pub charts: Vec<Inflation>,
    /// Where charts without an address are.
    pub chart_home: Option<Box<str>>,
    pub config_maps: Vec<Generator>,
    /// Name and namespace of the Secrets that it makes.
    pub secrets: Vec<(Box<str>, Option<Box<str>>)>,
    pub images: Box<[ImagePlace]>,
    pub entries: Vec<Entry>,
}

/// A ConfigMap that a kustomization makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    pub name: Box<str>,
    pub namespace: Option<Box<str>>,
    /// Key and path, relative to the folder.
    pub files: Vec<(Box<str>, Box<str>)>,
    /// Key, value and line.
    pub literals: Vec<(Box<str>, Box<str>, u32)>,
}

/// A file or folder that a kustomization names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As references call it.
    pub field: &'static str,
    pub path: Box<str>,
}

impl KustomizationFacts {
    pub(super) fn read(root: &SharedNode) -> Self {
        let node = root.node();
        let mut facts = Self { chart_home: owned(node.at(&["helmGlobals", "chartHome"])), ..Self::default() };
        for (key, is_old) in [("helmCharts", false), ("helmChartInflationGenerator", true)] {
            let charts = items(node.get(key)).filter(|node| node.is_mapping());
            facts.charts.extend(charts.map(|chart| Inflation::read(&root.share(chart), is_old)));
        }
        facts.config_maps = items(node.get("configMapGenerator")).filter_map(Generator::read).collect();
        let secret = |node: Node<'_>| Some((owned(node.get("name"))?, owned(node.get("namespace"))));
        facts.secrets = items(node.get("secretGenerator")).filter_map(secret).collect();
        facts.images = images(node);
        facts.add_entries(node);
        facts
    }

    fn add_entries(&mut self, node: Node<'_>) {
        for (key, field) in [
            ("resources", "resources[]"),
            ("bases", "bases[]"),
            ("components", "components[]"),
            ("patches", "patches[]"),
            ("patchesStrategicMerge", "patchesStrategicMerge[]"),
            ("patchesJson6902", "patchesJson6902[]"),
        ] {
            for item in items(node.get(key)) {
                let is_patch = key.starts_with("patches") && item.is_mapping();
                let Some(path) = string(if is_patch { item.get("path") } else { Some(item) }) else { continue };
                // Patches may stand there themselves.
                let is_text = key == "patchesStrategicMerge" && path.contains(':') && !path.contains("://");
                if !path.contains('\n') && !is_text {
                    self.entries.push(Entry { field, path: path.into() });
                }
            }
        }
    }
}

impl Generator {
    fn read(node: Node<'_>) -> Option<Self> {
        let file = |text: &str| match text.split_once('=') {
            Some((key, path)) => (key.into(), path.into()),
            None => (text.rsplit('/').next().unwrap_or(text).into(), text.into()),
        };
        let literal = |item: Node<'_>| {
            let (key, value) = word(Some(item))?.split_once('=')?;
            let quoted = value.starts_with(['\'', '"']);
            let value = if quoted { value.trim_matches(['\'', '"']) } else { value };
            Some((key.into(), value.into(), item.span().line))
        };
        Some(Self {
            name: owned(node.get("name"))?,
            namespace: owned(node.get("namespace")),
            files: items(node.get("files")).filter_map(|item| word(Some(item))).map(file).collect(),
            literals: items(node.get("literals")).filter_map(literal).collect(),
        })
    }
}

/// Images that a kustomization puts in the place of others.
fn images(node: Node<'_>) -> Box<[ImagePlace]> {
    let image = |(number, item): (usize, Node<'_>)| {
        let word = |key: &str| word_at(item, &[key]);
        let (name, tag, digest) = (word("newName"), word("newTag"), word("digest"));
        if name.is_none() && tag.is_none() && digest.is_none() {
            return None;
        }
        let mut reference = name.or_else(|| word("name")).unwrap_or_default().to_owned();
        for (sign, part) in [(':', tag), ('@', digest)] {
            if let Some(part) = part {
                reference.push(sign);
                reference.push_str(part);
            }
        }
        Some(ImagePlace { path: format!("images[{number}]").into(), image: classify(&reference, true)? })
    };
    items(node.get("images")).enumerate().filter_map(image).collect()
}
