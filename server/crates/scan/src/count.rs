//! What one file holds, in numbers: the counting rules.

use entity::input::{FoundProblem, ResourceKey};
use yaml::{Digest, Document, Node};

use crate::identity::{Identity, is_sops};

/// One file in numbers. A file that is not YAML has no documents, only `unparsable`.
#[derive(Clone, Debug, Default)]
pub struct FileFigures {
    pub bytes: u64,
    /// Documents whose root is not null.
    pub documents: u32,
    pub documents_including_empty: u32,
    /// Documents with `apiVersion` and `kind`.
    pub typed_documents: u32,
    /// Typed documents with `metadata.name`, a `List` counted once.
    pub kubernetes_documents: u32,
    /// The same with the items of a `List` instead of the list.
    pub list_expanded: u32,
    pub list_documents: u32,
    pub list_items: u32,
    pub duplicate_key_documents: u32,
    pub sops_documents: u32,
    /// Whether an anchor is defined twice in a document.
    pub redefined_anchors: bool,
    /// Kubernetes documents that are no manifests of ours: a `List` with a name, names that are too long.
    pub other_documents: Vec<(ResourceKey, Digest)>,
    /// Why the file has no documents.
    pub unparsable: Option<FoundProblem>,
}

impl FileFigures {
    /// Counts a document.
    pub(crate) fn add(&mut self, document: &Document, identity: Option<&Identity<'_>>) {
        let root = document.root();
        self.documents_including_empty += 1;
        self.redefined_anchors |= document.redefined_anchors;
        if root.is_null() {
            return;
        }
        self.documents += 1;
        self.duplicate_key_documents += u32::from(!document.duplicate_keys.is_empty());
        self.sops_documents += u32::from(is_sops(root));
        let Some(identity) = identity else { return };
        self.typed_documents += 1;
        let named = u32::from(identity.name.is_some());
        self.kubernetes_documents += named;
        if identity.is_list() {
            self.list_documents += 1;
            for item in root.get("items").into_iter().flat_map(Node::items).filter_map(Identity::read) {
                self.list_items += 1;
                self.list_expanded += u32::from(item.name.is_some());
            }
        } else {
            self.list_expanded += named;
        }
    }
}
