//! What of a file must not be shown, found once, on its nodes, before anything is stored, shown, compared or said.
//!
//! Always secret: all of a core `Secret` but what names it, wherever it stands (documents, lists, values of charts,
//! templates, patches, texts that hold manifests), what generators and other kinds put into Secrets, and in a document
//! that SOPS encrypted the encrypted values and SOPS' own block. By [`Rules`], and unless somebody wants it otherwise:
//! values whose key, variable or option names a credential, credentials in addresses, and e-mail addresses in values.
//!
//! Masking works on the places of values: the text keeps its lines and its structure.

mod comments;
mod find;
mod rewrite;
mod scope;
mod secret;
mod shape;
mod signs;
mod text;

use yaml::{Document, Hidden};

/// What is masked beside Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Values whose key, variable or option names a password, token, key or other credential.
    pub credentials: bool,
    /// User, password and tokens in addresses, in any text.
    pub urls: bool,
    /// E-mail addresses in values of charts and ConfigMaps.
    pub emails: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { credentials: true, urls: true, emails: true }
    }
}

/// Whose comments are secret too: people note passwords there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Commented {
    /// Numbers of the documents all of whose comments are.
    documents: Vec<usize>,
    /// First and last lines of what is secret elsewhere: comments on them and right above them are.
    lines: Vec<(u32, u32)>,
}

/// Finds what is secret in all documents of a file. An anchored value is secret wherever it stands.
#[must_use]
pub fn hidden(documents: &[Document], rules: &Rules) -> Hidden {
    let Some(first) = documents.first() else { return Hidden::default() };
    if !signs::any(first.shared_root().texts(), rules) {
        return Hidden::default();
    }
    find::find(documents, rules, scope::Scope::default())
}

pub use rewrite::{masked, masked_by};
