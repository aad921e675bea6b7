//! Where images stand in values and manifests.

use super::super::values::KeyPath;
use super::super::values::{Shape, View};
use super::parse::{FoundImage, classify, is_digest, written};
use entity::kind::ValueType;

/// Places kept of one document or of the values of one use.
const MAX_PLACES: usize = 5_000;
/// Bytes of their paths.
const MAX_PATHS: usize = 256 << 10;
/// Bytes of what is written in those where something is left to be filled in; what is beyond is not told.
const MAX_WRITTEN: usize = 256 << 10;
/// Nodes looked at.
const MAX_VISITS: usize = 500_000;
/// Lists whose items' `image` can be nothing but an image.
const CONTAINERS: [&str; 6] =
    ["containers", "initContainers", "ephemeralContainers", "steps", "sidecars", "taskRunSidecars"];

/// A place where an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImagePlace {
    pub path: Box<str>,
    pub image: FoundImage,
    /// As it is written, where something is left to be filled in.
    pub written: Option<Box<str>>,
}

impl ImagePlace {
    /// A reference at a path, where it is one. `sure`: it stands where only images stand.
    #[must_use]
    pub fn of(path: &str, reference: &str, sure: bool) -> Option<Self> {
        let image = classify(reference, sure)?;
        let written = if image == FoundImage::Templated { written(reference) } else { None };
        Some(Self { path: path.into(), image, written })
    }
}

/// Finds images at any depth; the fields `without` of the root are passed over.
#[must_use]
pub fn find_images(root: View<'_>, without: &[&str]) -> Vec<ImagePlace> {
    let mut search = Search { places: Vec::new(), visits: MAX_VISITS, paths: MAX_PATHS, written: MAX_WRITTEN };
    search.walk(root, &mut KeyPath::default(), "", false, without);
    search.places
}

struct Search {
    places: Vec<ImagePlace>,
    visits: usize,
    /// Bytes left for paths.
    paths: usize,
    /// Bytes left for what is written.
    written: usize,
}

impl Search {
    fn keep(&mut self, place: Option<ImagePlace>) {
        if let Some(mut place) = place
            && self.places.len() < MAX_PLACES
            && place.path.len() <= self.paths
        {
            self.paths -= place.path.len();
            place.written = place.written.filter(|written| written.len() <= self.written);
            self.written -= place.written.as_deref().map_or(0, str::len);
            self.places.push(place);
        }
    }

    /// `key`: the key that the node is the value of. `contained`: it is an item of a list of containers.
    fn walk(&mut self, view: View<'_>, path: &mut KeyPath, key: &str, contained: bool, without: &[&str]) {
        if self.visits == 0 {
            return;
        }
        self.visits -= 1;
        match view.shape() {
            Shape::Map(entries) => {
                let fields = Fields(&entries);
                self.mapping(&fields, path, key);
                for (name, value) in &entries {
                    let Some(mark) = (!without.contains(name)).then(|| path.push_key(name)).flatten() else { continue };
                    match value.shape_of_leaf() {
                        None => self.walk(*value, path, name, false, &[]),
                        Some((text, ValueType::String)) if is_image_field(name) && !value.is_hidden() => {
                            self.keep(ImagePlace::of(path.as_str(), text, contained && *name == "image"));
                        }
                        Some(_) => {}
                    }
                    path.pop(mark);
                }
            }
            Shape::List(items) => {
                let mark = path.push_item();
                for item in items {
                    match item.shape_of_leaf() {
                        Some(_) => {}
                        None if item.is_list() => self.walk(item, path, key, false, &[]),
                        None => self.walk(item, path, "", CONTAINERS.contains(&key), &[]),
                    }
                }
                path.pop(mark);
            }
            Shape::Scalar(..) => {}
        }
    }

    fn mapping(&mut self, fields: &Fields<'_, '_>, path: &KeyPath, key: &str) {
        let repository = fields.string("repository");
        let named = ends_with_image(key);
        let (tag, digest) = (fields.word("tag"), fields.word("digest"));
        let by_name = fields.string("name").filter(|_| tag.is_some() || fields.word("registry").is_some());
        let is_image = named && (repository.is_some() || by_name.is_some())
            || repository.is_some() && (tag.is_some() || digest.is_some_and(is_digest));
        if is_image {
            if let Some(name) = repository.or_else(|| fields.string("name")) {
                self.keep(ImagePlace::of(path.as_str(), &reference(fields, name), true));
            }
        } else if named && repository.is_none() && (tag.is_some() || digest.is_some()) {
            let (path, image) = (path.as_str().into(), FoundImage::WithoutRepository);
            self.keep(Some(ImagePlace { path, image, written: None }));
        }
    }
}

fn ends_with_image(key: &str) -> bool {
    key.len() >= 5 && key.as_bytes()[key.len() - 5..].eq_ignore_ascii_case(b"image")
}

fn is_image_field(key: &str) -> bool {
    key == "image" || key == "imageName" || key.ends_with("Image")
}

/// The entries of a mapping, in the order of their keys.
struct Fields<'e, 'm>(&'e [(&'m str, View<'m>)]);

impl<'m> Fields<'_, 'm> {
    fn get(&self, key: &str) -> Option<(&'m str, ValueType)> {
        let at = self.0.binary_search_by_key(&key, |(name, _)| name).ok()?;
        // What must not be shown is no image, whatever it says.
        Some(self.0[at].1).filter(|value| !value.is_hidden())?.shape_of_leaf()
    }

    fn string(&self, key: &str) -> Option<&'m str> {
        let (text, kind) = self.get(key)?;
        (kind == ValueType::String && !text.is_empty()).then_some(text)
    }

    fn word(&self, key: &str) -> Option<&'m str> {
        let (text, kind) = self.get(key)?;
        let text = text.trim();
        let is_text = matches!(kind, ValueType::String | ValueType::Number | ValueType::Boolean);
        (is_text && !text.is_empty()).then_some(text)
    }
}

/// The reference that a mapping spells in parts.
fn reference(fields: &Fields<'_, '_>, name: &str) -> String {
    let mut reference = String::new();
    if let Some(registry) = fields.word("registry") {
        reference.push_str(registry.trim_end_matches('/'));
        reference.push('/');
    }
    reference.push_str(name.trim().trim_start_matches('/'));
    let mut tag = fields.word("tag");
    let mut digest = fields.word("digest").or_else(|| fields.word("sha")).map(|digest| {
        let bare = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if bare { format!("sha256:{digest}") } else { digest.to_owned() }
    });
    if let Some(written) = tag.filter(|tag| tag.starts_with("sha256:") || tag.starts_with("@sha256:")) {
        digest = digest.or_else(|| Some(written.trim_start_matches('@').to_owned()));
        tag = None;
    }
    if let Some((before, behind)) = tag.and_then(|tag| tag.split_once('@')) {
        tag = Some(before);
        digest = digest.or_else(|| Some(behind.to_owned()));
    }
    let had = reference.split_once('@').map(|(_, digest)| digest.to_owned()).filter(|digest| !digest.is_empty());
    reference.truncate(reference.find('@').unwrap_or(reference.len()));
    if let Some(tag) = tag.filter(|tag| !tag.is_empty())
        && !reference.rsplit('/').next().unwrap_or_default().contains(':')
    {
        reference.push(':');
        reference.push_str(tag);
    }
    if let Some(digest) = had.or(digest).filter(|digest| !digest.is_empty()) {
        reference.push('@');
        reference.push_str(&digest);
    }
    reference
}
