//! The leaves of merged values: scalars, nulls, and what is empty.

use entity::kind::ValueType;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use sha2::{Digest as _, Sha256};

use super::super::image::{ImagePlace, find_images};
use super::super::text::ENCRYPTED;
use super::masked::is_masked;
use super::merged::Layers;
use super::path::KeyPath;
use super::view::{Shape, View};
use crate::mask::Rules;

/// Leaves kept of one use; what is beyond is left out.
const MAX_LEAVES: usize = 20_000;
/// Bytes of paths and texts kept of one use.
const MAX_BYTES: usize = 4 << 20;

/// Random, so that nobody can find a text by its number.
static TELLING_APART: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A scalar, a null, or something empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub path: Box<str>,
    pub kind: ValueType,
    /// As written; empty where it must not be shown.
    pub text: Box<str>,
    /// Whether it must not be shown for what it is.
    pub masked: bool,
    /// Whether it must not be shown for where it stands: then a number that tells its text from others of this program's run.
    pub hidden: Option<u64>,
    /// The file that it comes from; `None` where several made it together.
    pub file: Option<Arc<str>>,
    /// Its line there.
    pub line: u32,
}

/// What the values of one use come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// By path and text.
    pub leaves: Vec<Leaf>,
    /// The same for the same leaves: 16 hexadecimal digits.
    pub digest: Box<str>,
    pub images: Vec<ImagePlace>,
    /// Whether there was more than could be kept.
    pub is_cut: bool,
}

impl Values {
    /// Collects what merged values come to.
    #[must_use]
    pub(in super::super) fn of(layers: &Layers, rules: &Rules) -> Self {
        if layers.is_full() {
            return Self { digest: Box::default(), is_cut: true, ..Self::default() };
        }
        let mut collector = Collector { layers, rules, leaves: Vec::new(), bytes: 0, is_cut: false };
        let root = View::Merged(&layers.values);
        collector.walk(root, &mut KeyPath::default(), "");
        let Collector { mut leaves, is_cut, .. } = collector;
        leaves.sort_by(|left, right| (&left.path, &left.text).cmp(&(&right.path, &right.text)));
        let mut hash = Sha256::new();
        for leaf in &leaves {
            for part in [&leaf.path, &leaf.text] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
        }
        // Only the comparison sees secrets.
        for leaf in leaves.iter_mut().filter(|leaf| leaf.masked || leaf.hidden.is_some()) {
            leaf.text = Box::default();
        }
        let digest = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { leaves, digest: digest.into(), images: find_images(root, &[]), is_cut }
    }

    /// What they are counted for together with what merging took: much, where there was more than could be kept.
    #[must_use]
    pub(in super::super) fn cost(&self, layers: &Layers) -> usize {
        layers.cost() + if self.is_cut { MAX_BYTES } else { self.size() }
    }

    /// Bytes that it takes, roughly.
    #[must_use]
    pub fn size(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| leaf.path.len() + leaf.text.len() + size_of::<Leaf>());
        let written = |place: &ImagePlace| place.written.as_deref().map_or(0, str::len);
        let images = self.images.iter().map(|place| place.path.len() + written(place) + size_of::<ImagePlace>());
        leaves.sum::<usize>() + images.sum::<usize>()
    }
}

struct Collector<'l> {
    layers: &'l Layers,
    rules: &'l Rules,
    leaves: Vec<Leaf>,
    bytes: usize,
    is_cut: bool,
}

impl Collector<'_> {
    /// `key`: the last key on the way here.
    fn walk(&mut self, view: View<'_>, path: &mut KeyPath, key: &str) {
        if self.is_cut {
            return;
        }
        match view.shape() {
            Shape::Map(entries) if entries.is_empty() => {
                if !path.as_str().is_empty() {
                    self.leaf(view, path, key, "{}", ValueType::Object);
                }
            }
            Shape::Map(entries) => {
                for (key, value) in entries {
                    match path.push_key(key) {
                        Some(mark) => {
                            self.walk(value, path, key);
                            path.pop(mark);
                        }
                        None => self.is_cut = true,
                    }
                }
            }
            Shape::List(items) if items.is_empty() => self.leaf(view, path, key, "[]", ValueType::Array),
            Shape::List(items) => {
                let mark = path.push_item();
                for item in items {
                    self.walk(item, path, key);
                }
                path.pop(mark);
            }
            Shape::Scalar(text, ValueType::String) if text.starts_with(ENCRYPTED) && text.ends_with(']') => {
                self.leaf(view, path, key, "", ValueType::Secret);
            }
            Shape::Scalar(text, kind) => self.leaf(view, path, key, text, kind),
        }
    }

    fn leaf(&mut self, view: View<'_>, path: &KeyPath, key: &str, text: &str, kind: ValueType) {
        self.bytes += path.as_str().len() + text.len();
        if self.leaves.len() >= MAX_LEAVES || self.bytes > MAX_BYTES {
            self.is_cut = true;
            return;
        }
        let place = view.place().and_then(|(layer, line)| {
            let layer = self.layers.layers.get(usize::from(layer))?;
            Some((Arc::clone(&layer.file), layer.lines.line(line)))
        });
        let (file, line) = place.map_or((None, 0), |(file, line)| (Some(file), line));
        self.leaves.push(Leaf {
            path: path.as_str().into(),
            kind,
            text: text.into(),
            masked: is_masked(key, kind, text, self.rules),
            hidden: view.is_hidden().then(|| TELLING_APART.hash_one(text)),
            file,
            line,
        });
    }
}
