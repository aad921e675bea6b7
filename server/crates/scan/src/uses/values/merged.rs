//! Merging as Helm does it: maps key by key, everything else is replaced.

use entity::kind::ValueType;
use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{Node, SharedNode, Style};

use super::super::text::entries;

/// Layers of values that one use may have.
const MAX_LAYERS: usize = 1_000;
/// Entries of maps looked at to merge the values of one use; real ones have some hundred.
const MAX_ENTRIES: usize = 200_000;
/// What an entry counts in bytes.
const ENTRY: usize = 64;

/// Values, of one layer or of several.
#[derive(Clone, Debug)]
pub enum Merged {
    /// As one layer has it.
    Node(SharedNode, u16),
    /// Set by `--set` and what works like it, or told by a Secret.
    Text {
        text: Box<str>,
        kind: ValueType,
        layer: u16,
        line: u32,
        hidden: bool,
    },
    Map(BTreeMap<String, Merged>),
    List(Vec<Merged>),
}

impl Merged {
    pub fn empty() -> Self {
        Self::Map(BTreeMap::new())
    }

    pub fn is_map(&self) -> bool {
        match self {
            Self::Node(node, _) => node.node().is_mapping(),
            Self::Map(_) => true,
            Self::Text { .. } | Self::List(_) => false,
        }
    }

    /// The entries of a map.
    fn into_map(self) -> BTreeMap<String, Self> {
        match self {
            Self::Map(map) => map,
            Self::Node(node, layer) => {
                let of = |(key, value): (&str, Node<'_>)| (key.to_owned(), Self::Node(node.share(value), layer));
                entries(node.node()).into_iter().map(of).collect()
            }
            Self::Text { .. } | Self::List(_) => BTreeMap::new(),
        }
    }

    /// Puts `over` over it. `room`: entries that may be looked at; where they do not do, only `over` stays.
    pub fn merge(self, over: Self, room: &mut usize) -> Self {
        if !self.is_map() || !over.is_map() {
            return over;
        }
        if matches!(&self, Self::Map(map) if map.is_empty()) {
            return over;
        }
        let entries = self.len() + over.len();
        if entries > *room {
            *room = 0;
            return over;
        }
        *room -= entries;
        let mut map = self.into_map();
        for (key, value) in over.into_map() {
            let value = match map.remove(&key) {
                Some(base) => base.merge(value, room),
                None => value,
            };
            map.insert(key, value);
        }
        Self::Map(map)
    }

    /// Entries of a map, as far as they have to be looked at.
    fn len(&self) -> usize {
        match self {
            Self::Node(node, _) => node.node().entries().len(),
            Self::Map(map) => map.len(),
            Self::Text { .. } | Self::List(_) => 0,
        }
    }

    /// The value of a key; an empty map where there is none or where it is no map.
    pub fn map_at(&self, key: &str) -> Self {
        let found = match self {
            Self::Map(map) => map.get(key).cloned(),
            Self::Node(node, layer) => entries(node.node())
                .into_iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| Self::Node(node.share(value), *layer)),
            Self::Text { .. } | Self::List(_) => None,
        };
        found.filter(Self::is_map).unwrap_or_else(Self::empty)
    }

    /// Sets what a path of `--set` leads to.
    pub fn put(self, path: &[super::set::Step], value: Self) -> Self {
        use super::set::Step;
        match path.split_first() {
            None => value,
            Some((Step::Key(key), rest)) => {
                let mut map = if self.is_map() { self.into_map() } else { BTreeMap::new() };
                let old = map.remove(key).unwrap_or_else(Self::null);
                map.insert(key.clone(), old.put(rest, value));
                Self::Map(map)
            }
            Some((Step::Index(index), rest)) => {
                let mut list = self.into_list();
                while list.len() <= *index {
                    list.push(Self::null());
                }
                let old = std::mem::replace(&mut list[*index], Self::null());
                list[*index] = old.put(rest, value);
                Self::List(list)
            }
        }
    }

    fn into_list(self) -> Vec<Self> {
        match self {
            Self::List(list) => list,
            Self::Node(node, layer) => node.node().items().map(|item| Self::Node(node.share(item), layer)).collect(),
            Self::Map(_) | Self::Text { .. } => Vec::new(),
        }
    }

    fn null() -> Self {
        Self::Text { text: "null".into(), kind: ValueType::Null, layer: 0, line: 0, hidden: false }
    }
}

/// How the lines of a layer are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerLines {
    /// It is a file, or a node of one.
    OfFile,
    /// It is a text that begins behind this line of its file.
    Behind(u32),
    /// It is a text that stands in this line of its file, as a whole.
    At(u32),
}

impl LayerLines {
    /// The lines of the text that a scalar holds.
    pub fn of_text(node: Node<'_>) -> Self {
        match node.style() {
            Style::Literal => Self::Behind(node.span().line),
            _ => Self::At(node.span().line),
        }
    }

    pub fn line(self, line: u32) -> u32 {
        match self {
            Self::OfFile => line,
            Self::Behind(start) => start.saturating_add(line),
            Self::At(line) => line,
        }
    }
}

/// Where values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub file: Arc<str>,
    pub lines: LayerLines,
}

/// Values as they grow layer by layer, low to high.
#[derive(Clone, Debug)]
pub struct Layers {
    pub values: Merged,
    pub layers: Vec<Layer>,
    pub resolved: u32,
    pub missing: u32,
    pub secret: u32,
    /// Entries of maps that may still be looked at to merge them.
    room: usize,
    /// How many they were in the beginning.
    whole_room: usize,
}

impl Layers {
    /// No values, with room for some.
    pub fn with_room(bytes: usize) -> Self {
        let room = (bytes / ENTRY).min(MAX_ENTRIES);
        let (layers, values) = (Vec::new(), Merged::empty());
        Self { values, layers, resolved: 0, missing: 0, secret: 0, room, whole_room: room }
    }

    /// Bytes that merging took, roughly.
    pub fn cost(&self) -> usize {
        (self.whole_room - self.room) * ENTRY
    }

    /// Whether there was more to merge than could be.
    pub fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Puts one map over another, outside of the order of layers.
    pub fn merged(&mut self, below: Merged, over: Merged) -> Merged {
        below.merge(over, &mut self.room)
    }

    /// The number of a further layer; of too many the last one stands for the rest.
    pub fn layer(&mut self, file: &Arc<str>, lines: LayerLines) -> u16 {
        let layer = Layer { file: Arc::clone(file), lines };
        if let Some(at) = self.layers.iter().rposition(|other| *other == layer) {
            return u16::try_from(at).unwrap_or(u16::MAX);
        }
        if self.layers.len() < MAX_LAYERS {
            self.layers.push(layer);
        }
        u16::try_from(self.layers.len() - 1).unwrap_or(u16::MAX)
    }

    /// Puts a map over what is there.
    pub fn add(&mut self, map: SharedNode, file: &Arc<str>, lines: LayerLines) {
        let layer = self.layer(file, lines);
        self.merge(Merged::Node(map, layer));
    }

    pub fn merge(&mut self, over: Merged) {
        let below = std::mem::replace(&mut self.values, Merged::empty());
        self.values = below.merge(over, &mut self.room);
    }

    /// Sets what a path leads to.
    pub fn put(&mut self, path: &str, value: Merged) {
        let path = super::set::parse_path(path);
        if !path.is_empty() && self.values.len() < self.room {
            self.room -= self.values.len();
            let below = std::mem::replace(&mut self.values, Merged::empty());
            self.values = below.put(&path, value);
        }
    }
}
