//! What a kustomization makes, and what it names.

use entity::kind::ValueType;
use yaml::{Node, SharedNode};

use super::super::image::ImagePlace;
use super::super::text::{items, owned, scalar, string, word_at};
use super::chart::Inflation;

/// Bytes of keys, paths and values that the generators of one kustomization may hold: what the largest file that is read
/// holds, and more only where aliases multiply it.
const MAX_GENERATED: usize = 32 << 20;

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
        let mut room = MAX_GENERATED;
        let generators = items(node.get("configMapGenerator"));
        facts.config_maps = generators.filter_map(|node| Generator::read(node, &mut room)).collect();
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
    /// `room`: bytes that may still be kept.
    fn read(node: Node<'_>, room: &mut usize) -> Option<Self> {
        let name = owned(node.get("name"))?;
        let files = texts(node.get("files"), room);
        let literals = texts(node.get("literals"), room);
        let file = |text: &str| match text.split_once('=') {
            Some((key, path)) => (key.into(), path.into()),
            None => (text.rsplit('/').next().unwrap_or(text).into(), text.into()),
        };
        let literal = |(item, text): (Node<'_>, &str)| {
            let (key, value) = text.split_once('=')?;
            let quoted = value.starts_with(['\'', '"']);
            let value = if quoted { value.trim_matches(['\'', '"']) } else { value };
            Some((key.into(), value.into(), item.span().line))
        };
        Some(Self {
            name,
            namespace: owned(node.get("namespace")),
            files: files.into_iter().map(|(_, text)| file(text)).collect(),
            literals: literals.into_iter().filter_map(literal).collect(),
        })
    }
}

/// The texts of a list with their nodes, as long as there is room for them.
fn texts<'t>(list: Option<Node<'t>>, room: &mut usize) -> Vec<(Node<'t>, &'t str)> {
    let mut kept = Vec::new();
    for item in items(list) {
        let Some(text) = whole(item) else { continue };
        let Some(left) = room.checked_sub(text.len()) else { break };
        *room = left;
        kept.push((item, text));
    }
    kept
}

/// A scalar's text as a whole, with the spaces around it; `None` where there is nothing else.
fn whole(node: Node<'_>) -> Option<&str> {
    let (text, kind) = scalar(node)?;
    (kind != ValueType::Null && !text.trim().is_empty()).then_some(text)
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
        let mut place = ImagePlace::of(&format!("images[{number}]"), &reference, true)?;
        let is_hidden = |key: &&str| item.get(key).is_some_and(Node::is_hidden);
        if ["name", "newName", "newTag", "digest"].iter().any(is_hidden) {
            place.written = None;
        }
        Some(place)
    };
    items(node.get("images")).enumerate().filter_map(image).collect()
}
