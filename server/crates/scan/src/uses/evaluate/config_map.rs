//! The data of ConfigMaps, written as documents or made by kustomizations.

use entity::kind::ValueType;
use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Limits, SharedNode};

use super::super::facts::{documents, first_map};
use super::super::index::{Entry, Fact, Key};
use super::super::text::{entries, scalar};
use super::super::values::LayerLines;
use super::super::ways::Way;
use super::Asker;
use super::choose::choose;
use crate::build::{folder, join};

/// A text of a ConfigMap.
#[derive(Clone, Debug)]
pub struct DataText {
    pub text: Box<str>,
    /// The file that it stands in.
    pub file: Arc<str>,
    pub lines: LayerLines,
    pub hidden: bool,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    /// A scalar of a document.
    Node(SharedNode),
    /// A file as a whole.
    File,
    /// An entry of a kustomization.
    Literal,
}

/// Texts by key; `None` where a file is missing.
type Data = BTreeMap<Box<str>, Option<DataText>>;

impl Asker<'_> {
    /// The data of the ConfigMap that is meant, in the namespace that asks or one that is not known.
    pub fn config_map(&self, name: &str, namespace: Option<&str>, way: &Way, file: &str) -> Option<Data> {
        let entries = self.entries(Key::ConfigMap(name.into()));
        let texts = |entry: &Entry| -> Vec<(Box<str>, Option<Box<str>>)> {
            self.data(entry).into_iter().map(|(key, text)| (key, text.map(|text| text.text))).collect()
        };
        let (entry, by_name) =
            choose(entries, namespace, way, file, |left, right| left == right || texts(left) == texts(right)).ok()?;
        (!by_name).then(|| self.data(entry))
    }

    fn data(&self, entry: &Entry) -> Data {
        let data = match &entry.fact {
            Fact::ConfigMap { generated: false, .. } => self.written(entry),
            Fact::ConfigMap { generated: true, .. } => self.generated(entry),
            _ => None,
        };
        data.unwrap_or_default()
    }

    fn written(&self, entry: &Entry) -> Option<Data> {
        let document = self.tree.facts(&entry.file)?.documents.get(entry.position)?;
        let loaded = self.tree.load(&entry.file, self.blobs)?;
        let root = loaded.document(&document.number)?;
        let data = root.node().get("data")?;
        let text = |(key, node)| {
            let (text, kind) = scalar(node)?;
            (kind != ValueType::Null).then_some(())?;
            let text = DataText {
                text: text.into(),
                file: Arc::clone(&entry.file),
                lines: LayerLines::of_text(node),
                hidden: node.is_hidden(),
                from: From::Node(root.share(node)),
            };
            Some((Box::from(key), Some(text)))
        };
        Some(entries(data).into_iter().filter_map(text).collect())
    }

    fn generated(&self, entry: &Entry) -> Option<Data> {
        let facts = self.tree.facts(&entry.file)?.kustomization.as_deref()?;
        let generator = facts.config_maps.get(entry.position)?;
        let base = folder(&entry.file);
        let file = |(key, path): &(Box<str>, Box<str>)| {
            let found = join(base, path).and_then(|path| self.load(&path));
            let text = found.map(|(path, loaded)| DataText {
                text: loaded.text.clone(),
                file: Arc::clone(path),
                lines: LayerLines::OfFile,
                hidden: false,
                from: From::File,
            });
            (key.clone(), text)
        };
        let literal = |(key, value, line): &(Box<str>, Box<str>, u32)| {
            let text = DataText {
                text: value.clone(),
                file: Arc::clone(&entry.file),
                lines: LayerLines::At(*line),
                hidden: false,
                from: From::Literal,
            };
            (key.clone(), Some(text))
        };
        Some(generator.files.iter().map(file).chain(generator.literals.iter().map(literal)).collect())
    }

    /// The map that a text holds.
    pub fn map_of(&self, text: &DataText) -> Option<SharedNode> {
        match &text.from {
            From::Node(node) => self.tree.load(&text.file, self.blobs)?.embedded(node.node()),
            From::File => self.tree.load(&text.file, self.blobs)?.map(),
            From::Literal => first_map(&documents(text.text.as_bytes(), &Limits::default())),
        }
    }
}
