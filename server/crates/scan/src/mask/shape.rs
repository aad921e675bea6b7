//! What a mapping is, by its keys.

use yaml::{Node, Tag};

/// The keys of a mapping that tell what it is.
#[derive(Default)]
pub(super) struct Shape<'t> {
    pub(super) kind: Option<&'t str>,
    pub(super) api_version: Option<&'t str>,
    pub(super) name: Option<&'t str>,
    pub(super) kind_of_secret: Option<&'t str>,
    pub(super) path: Option<&'t str>,
    pub(super) target: Option<Node<'t>>,
    pub(super) has_body: bool,
    pub(super) has_data: bool,
    pub(super) is_operation: bool,
    pub(super) has_reference: bool,
}

impl<'t> Shape<'t> {
    pub(super) fn of(node: Node<'t>) -> Self {
        let mut shape = Self::default();
        let mut merges = false;
        for (key, value) in node.entries() {
            merges |= key.tag() == Tag::Merge;
            let Some(key) = key.scalar() else { continue };
            // The length tells most keys apart.
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            match key.len() {
                2 if key == "op" => shape.is_operation = true,
                4 if is("kind") => shape.kind = value.scalar().map(str::trim),
                4 if is("name") => shape.name = value.scalar(),
                4 if is("type") => shape.kind_of_secret = value.scalar(),
                4 if is("path") => shape.path = value.scalar(),
                4 if is("data") => (shape.has_body, shape.has_data) = (true, true),
                6 if key == "target" => shape.target = Some(value),
                8 if is("metadata") => shape.has_body = true,
                9 if key == "remoteRef" || key == "sourceRef" => shape.has_reference = true,
                10 if is("apiVersion") => shape.api_version = value.scalar().map(str::trim),
                10 if is("stringData") => shape.has_body = true,
                _ => {}
            }
        }
        if merges {
            let text = |key: &str| node.get(key).and_then(Node::scalar);
            shape.kind = shape.kind.or_else(|| text("kind"));
            shape.api_version = shape.api_version.or_else(|| text("apiVersion"));
            shape.has_body |= ["data", "stringData", "metadata"].iter().any(|key| node.get(key).is_some());
        }
        shape
    }

    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.kind.is_some_and(|other| other.eq_ignore_ascii_case(kind))
    }

    /// Whether it is, or is meant as, a core Secret and not the name of one.
    pub(super) fn is_secret(&self, is_root: bool) -> bool {
        // Groups of other kinds that are called Secret are names of hosts; `core/v1` is a mistake.
        let is_core = self
            .api_version
            .is_none_or(|version| version.split_once('/').is_none_or(|(group, _)| !group.contains('.')));
        let of_type = |kind: &str| {
            kind.eq_ignore_ascii_case("Opaque")
                || kind.starts_with("kubernetes.io/")
                || kind.starts_with("bootstrap.kubernetes.io/")
        };
        let is_kind = self.is_kind("Secret") || self.is_kind("Secrets");
        (is_kind && is_core && (is_root || self.has_body))
            || (self.kind.is_none() && self.has_data && self.kind_of_secret.is_some_and(of_type))
    }
}

/// Whether a field of an object rather names a Secret, or a key in one, than holds its value.
pub(super) fn names_reference(name: &str, shape: &Shape<'_>) -> bool {
    let ends = |endings: &[&str]| endings.iter().any(|ending| ends_in_ignoring_case(name, ending));
    (shape.has_reference && ends(&["key"]))
        || (ends(&["secret"]) && !ends(&["clientsecret", "client_secret", "client-secret"]))
        || ends(&["secretkey", "secret_key", "secret-key"])
}

pub(super) fn ends_in_ignoring_case(text: &str, ending: &str) -> bool {
    let at = text.len().checked_sub(ending.len());
    at.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}
