//! Images: references such as `ghcr.io/org/app:1.2.3@sha256:…`, and the shapes in which Helm values write them.

use std::collections::BTreeMap;

use entity::input::FoundImage;
use yaml::{Node, Tag};

use super::Facts;
use super::read::{MAX_FINDINGS, outside_templates, plain};
use crate::diff::FieldPath;

/// Longest image reference kept.
const MAX_IMAGE: usize = 500;
/// Nodes looked at for images in one manifest: real values have some hundred, aliased bombs have millions.
const MAX_VISITS: usize = 50_000;
/// Depth to which values are searched.
const MAX_DEPTH: usize = 40;

/// Splits `registry/name:tag@digest`. Templates such as `${TAG}` are kept as they stand.
#[must_use]
pub fn parse_image(text: &str, field_path: &str) -> Option<FoundImage> {
    let text = text.trim().trim_start_matches("docker://");
    if text.is_empty() || text.len() > MAX_IMAGE || text.starts_with("ENC[") || text.contains("://") {
        return None;
    }
    let outside = outside_templates(text);
    if text.bytes().zip(&outside).any(|(byte, outside)| *outside && (byte.is_ascii_whitespace() || byte == b',')) {
        return None;
    }
    let find =
        |wanted: u8, from: usize, to: usize| (from..to).rev().find(|&at| text.as_bytes()[at] == wanted && outside[at]);
    let (rest, digest) = match find(b'@', 0, text.len()) {
        Some(at) => (at, some(&text[at + 1..])),
        None => (text.len(), None),
    };
    let name_start = find(b'/', 0, rest).map_or(0, |at| at + 1);
    let (name_end, tag) = match find(b':', name_start, rest) {
        Some(at) => (at, some(&text[at + 1..rest])),
        None => (rest, None),
    };
    let image = text[..name_end].trim_matches('/');
    (!image.is_empty()).then(|| FoundImage { image: image.to_owned(), tag, digest, field_path: field_path.to_owned() })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Keeps the image that a scalar names.
pub fn keep_text(facts: &mut Facts, node: Option<Node<'_>>, path: &FieldPath) {
    keep(facts, plain(node), path);
}

/// Keeps the image that a text names.
pub fn keep(facts: &mut Facts, text: Option<String>, path: &FieldPath) {
    if facts.images.len() < MAX_FINDINGS
        && let Some(text) = text
        && let Some(image) = parse_image(&text, &path.to_string())
    {
        facts.images.push(image);
    }
}

/// The parts of an image that parameters such as `image.tag` set, by the path before them.
#[derive(Default)]
struct Parts {
    registry: Option<String>,
    repository: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

/// Puts what Helm parameters (names such as `web.image.tag`, and values) say over the images found in values.
/// `base` is the path that holds both; `path` the one of the parameters.
pub fn override_by_parameters(
    images: &mut Vec<FoundImage>,
    parameters: impl Iterator<Item = (String, String)>,
    base: &str,
    path: &mut FieldPath,
) {
    let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
    for (name, value) in parameters {
        let (before, last) = name.rsplit_once('.').map_or(("", name.as_str()), |(before, last)| (before, last));
        if last == "image" || last.ends_with("Image") {
            images.retain(|image| !stands_at(image, base, &name));
            path.push_identity("name", &name);
            images.extend(parse_image(&value, &path.to_string()));
            path.pop();
            continue;
        }
        if !matches!(last, "registry" | "repository" | "tag" | "digest" | "sha") {
            continue;
        }
        let parts = parts.entry(before.to_owned()).or_default();
        let part = match last {
            "registry" => &mut parts.registry,
            "repository" => &mut parts.repository,
            "tag" => &mut parts.tag,
            _ => &mut parts.digest,
        };
        *part = Some(value);
    }
    for (before, parts) in parts {
        let at = images.iter().position(|image| stands_at(image, base, &before));
        let name = if before.is_empty() { "repository".to_owned() } else { format!("{before}.repository") };
        path.push_identity("name", &name);
        let new = parts.repository.and_then(|repository| parse_image(&repository, &path.to_string()));
        path.pop();
        let mut image = match (new, at) {
            (Some(new), Some(at)) => {
                let old = images.swap_remove(at);
                FoundImage { tag: new.tag.or(old.tag), digest: new.digest.or(old.digest), ..new }
            }
            (Some(new), None) => new,
            (None, Some(at)) => images.swap_remove(at),
            // The chart's own image in another version: which one, only the chart knows.
            (None, None) => continue,
        };
        if let Some(registry) = parts.registry {
            image.image = format!("{}/{}", registry.trim_end_matches('/'), image.image);
        }
        set_tag(&mut image, parts.tag);
        image.digest = parts.digest.or(image.digest);
        images.push(image);
    }
}

/// Whether an image was found in values at the path that a parameter names.
fn stands_at(image: &FoundImage, base: &str, name: &str) -> bool {
    let below = image.field_path.strip_prefix(base).and_then(|path| path.strip_prefix('.'));
    below.and_then(|path| path.split_once('.')).is_some_and(|(_, path)| path == name)
}

/// Finds images in Helm values: `image: name:tag`, and mappings with `repository` beside `tag`, `digest` or `registry`.
pub fn find_in_values(facts: &mut Facts, values: Node<'_>, path: &mut FieldPath) {
    let mut visits = MAX_VISITS;
    walk(facts, values, path, false, 0, &mut visits);
}

fn walk(facts: &mut Facts, node: Node<'_>, path: &mut FieldPath, is_image: bool, depth: usize, visits: &mut usize) {
    if *visits == 0 || depth > MAX_DEPTH || facts.images.len() >= MAX_FINDINGS {
        return;
    }
    *visits -= 1;
    if is_image && node.tag() == Tag::Str {
        keep_text(facts, Some(node), path);
        return;
    }
    if let Some(image) = from_mapping(node, is_image, path) {
        facts.images.push(image);
    }
    for (key, value) in node.fields() {
        let Some(key) = key.shown() else { continue };
        let names_image = key == "image" || key.ends_with("Image");
        path.push_key(key);
        walk(facts, value, path, names_image, depth + 1, visits);
        path.pop();
    }
    for (at, item) in node.items().enumerate() {
        path.push_index(at);
        walk(facts, item, path, false, depth + 1, visits);
        path.pop();
    }
}

/// `{registry, repository, tag, digest}`; under a key `image` also with `name`, and without a tag.
fn from_mapping(node: Node<'_>, is_image: bool, path: &FieldPath) -> Option<FoundImage> {
    if !node.is_mapping() {
        return None;
    }
    let repository = plain(node.get("repository")).or_else(|| is_image.then(|| plain(node.get("name"))).flatten())?;
    let tag = plain(node.get("tag"));
    let digest = plain(node.get("digest")).or_else(|| plain(node.get("sha")));
    if !is_image && tag.is_none() && digest.is_none() {
        return None;
    }
    let mut found = parse_image(&repository, &path.to_string())?;
    if let Some(registry) = plain(node.get("registry")) {
        found.image = format!("{}/{}", registry.trim_end_matches('/'), found.image);
    }
    set_tag(&mut found, tag);
    found.digest = digest.or(found.digest);
    Some(found)
}

/// Tags may carry the digest: `tag: 1.2.3@sha256:…`.
fn set_tag(image: &mut FoundImage, tag: Option<String>) {
    let Some(tag) = tag else { return };
    match tag.split_once('@') {
        Some((tag, digest)) => {
            image.tag = some(tag);
            image.digest = some(digest);
        }
        None => image.tag = Some(tag),
    }
}
