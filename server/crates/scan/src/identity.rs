//! What a document says it is: the counting rules for typed and Kubernetes documents, in one place.

use entity::input::ResourceKey;

use yaml::Node;

/// A document with `apiVersion` and `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'t> {
    /// As written, `group/version` or `version`.
    pub api_version: &'t str,
    /// The group part; empty for the core group.
    pub group: &'t str,
    pub kind: &'t str,
    /// `metadata.name`, where it is a string.
    pub name: Option<&'t str>,
    /// `metadata.namespace`, where it is a string.
    pub namespace: Option<&'t str>,
}

impl<'t> Identity<'t> {
    /// The identity of a document; `None` unless its root is a mapping with both words as non-empty strings.
    #[must_use]
    pub fn read(root: Node<'t>) -> Option<Self> {
        let text = |node: Option<Node<'t>>| node.and_then(Node::text);
        let api_version = text(root.get("apiVersion"))?;
        let kind = text(root.get("kind"))?;
        let metadata = root.get("metadata");
        Some(Self {
            api_version,
            group: api_version.rsplit_once('/').map_or("", |(group, _)| group),
            kind,
            name: text(metadata.and_then(|metadata| metadata.get("name"))),
            namespace: text(metadata.and_then(|metadata| metadata.get("namespace"))),
        })
    }

    /// Whether it is the `List` whose items count each.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.kind == "List" && self.api_version == "v1"
    }

    /// What the resource is known by; `None` without a name.
    #[must_use]
    pub fn key(&self) -> Option<ResourceKey> {
        Some(ResourceKey {
            group: self.group.to_owned(),
            kind: self.kind.to_owned(),
            namespace: self.namespace.unwrap_or_default().to_owned(),
            name: self.name?.to_owned(),
        })
    }

    /// The first part that is longer than Kubernetes (and our columns) allow, and its limit.
    #[must_use]
    pub fn too_long(&self) -> Option<(&'static str, usize)> {
        let parts = [
            ("apiVersion", self.api_version, 317),
            ("kind", self.kind, 253),
            ("metadata.name", self.name.unwrap_or_default(), 253),
            ("metadata.namespace", self.namespace.unwrap_or_default(), 253),
        ];
        parts.into_iter().find(|(_, text, limit)| text.len() > *limit).map(|(part, _, limit)| (part, limit))
    }
}

/// Whether SOPS encrypted the document: a top-level `sops` mapping with `mac` or `version`.
#[must_use]
pub fn is_sops(root: Node<'_>) -> bool {
    root.get("sops")
        .is_some_and(|sops| sops.is_mapping() && (sops.get("mac").or_else(|| sops.get("version"))).is_some())
}
