//! The data of ConfigMaps, written as documents or made by kustomizations.

use entity::kind::ValueType;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Limits, SharedNode};

use super::super::facts::{documents, first_map};
use super::super::index::{Entry, Fact, Key};
use super::super::text::{entries, scalar};
use super::super::tree::Loaded;
use super::super::values::LayerLines;
use super::super::ways::Way;
use super::Asker;
use super::choose::choose;
use crate::build::{folder, join};

/// Different ConfigMaps of one name whose data is compared; of more of them none is chosen.
const MAX_COMPARED: usize = 64;

/// A text of a ConfigMap.
#[derive(Clone)]
pub struct DataText<'e> {
    /// The file that it stands in.
    pub file: &'e Arc<str>,
    from: From<'e>,
}

#[derive(Clone)]
enum From<'e> {
    /// A scalar of a document.
    Node(SharedNode),
    /// A file as a whole.
    File(&'e Loaded),
    /// An entry of a kustomization, and its line.
    Literal(&'e str, u32),
}

/// What tells texts apart: the file, and the number of the node or of the line in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TextId(Arc<str>, Option<u32>, bool);

impl DataText<'_> {
    pub fn text(&self) -> &str {
        match &self.from {
            From::Node(node) => scalar(node.node()).map_or("", |(text, _)| text),
            From::File(loaded) => &loaded.text,
            From::Literal(text, _) => text,
        }
    }

    pub fn lines(&self) -> LayerLines {
        match &self.from {
            From::Node(node) => LayerLines::of_text(node.node()),
            From::File(_) => LayerLines::OfFile,
            From::Literal(_, line) => LayerLines::At(*line),
        }
    }

    pub fn is_hidden(&self) -> bool {
        matches!(&self.from, From::Node(node) if node.node().is_hidden())
    }

    pub fn id(&self) -> TextId {
        let file = Arc::clone(self.file);
        match &self.from {
            From::Node(node) => TextId(file, Some(node.node().id()), true),
            From::File(_) => TextId(file, None, true),
            From::Literal(_, line) => TextId(file, Some(*line), false),
        }
    }
}

/// Texts by key; `None` where a file is missing.
type Data<'e> = BTreeMap<Box<str>, Option<DataText<'e>>>;

impl<'e> Asker<'e> {
    /// A text of the ConfigMap that is meant, in the namespace that asks or one that is not known.
    pub fn config_map_text(
        &self,
        (name, key): (&str, &str),
        namespace: Option<&str>,
        way: &Way,
        file: &str,
    ) -> Option<DataText<'e>> {
        let entries = self.entries(Key::ConfigMap(name.into()));
        let compared = Cell::new(0);
        let agree = |left: &Entry, right: &Entry| {
            if left.fact == right.fact && left.file == right.file && left.position == right.position {
                return true;
            }
            compared.set(compared.get() + 1);
            compared.get() <= MAX_COMPARED && self.agree(left, right)
        };
        let (entry, by_name) = choose(entries, namespace, way, file, agree).ok()?;
        if by_name { None } else { self.data(entry).remove(key)? }
    }

    fn agree(&self, left: &Entry, right: &Entry) -> bool {
        let (left, right) = (self.data(left), self.data(right));
        let texts = |one: &Option<DataText<'_>>, other: &Option<DataText<'_>>| {
            one.as_ref().map(DataText::text) == other.as_ref().map(DataText::text)
        };
        left.len() == right.len()
            && left.iter().zip(&right).all(|((key, one), (other_key, other))| key == other_key && texts(one, other))
    }

    fn data(&self, entry: &Entry) -> Data<'e> {
        let data = match &entry.fact {
            Fact::ConfigMap { generated: false, .. } => self.written(entry),
            Fact::ConfigMap { generated: true, .. } => self.generated(entry),
            _ => None,
        };
        data.unwrap_or_default()
    }

    fn written(&self, entry: &Entry) -> Option<Data<'e>> {
        let (path, file) = self.tree.entry(&entry.file)?;
        let document = file.facts.as_ref()?.documents.get(entry.position)?;
        let root = self.tree.load(path, self.blobs)?.document(&document.number)?;
        let data = root.node().get("data")?;
        let text = |(key, node)| {
            let (_, kind) = scalar(node)?;
            (kind != ValueType::Null).then_some(())?;
            Some((Box::from(key), Some(DataText { file: path, from: From::Node(root.share(node)) })))
        };
        Some(entries(data).into_iter().filter_map(text).collect())
    }

    fn generated(&self, entry: &Entry) -> Option<Data<'e>> {
        let (path, file) = self.tree.entry(&entry.file)?;
        let generator = file.facts.as_ref()?.kustomization.as_deref()?.config_maps.get(entry.position)?;
        let base = folder(path);
        let file = |(key, path): &(Box<str>, Box<str>)| {
            let found = join(base, path).and_then(|path| self.load(&path));
            (key.clone(), found.map(|(path, loaded)| DataText { file: path, from: From::File(loaded) }))
        };
        let literal = |(key, value, line): &'e (Box<str>, Box<str>, u32)| {
            (key.clone(), Some(DataText { file: path, from: From::Literal(value, *line) }))
        };
        Some(generator.files.iter().map(file).chain(generator.literals.iter().map(literal)).collect())
    }

    /// The map that a text holds.
    pub fn map_of(&self, text: &DataText<'_>) -> Option<SharedNode> {
        match &text.from {
            From::Node(node) => self.tree.load(text.file, self.blobs)?.embedded(node.node()),
            From::File(loaded) => loaded.map(),
            From::Literal(text, _) => first_map(&documents(text.as_bytes(), &Limits::default(), self.tree.rules())),
        }
    }
}
