//! Secrets and ConfigMaps that a document makes another controller write.

use super::super::text::word_at;
use super::Reader;

/// Something that comes into being by a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub kind: &'static str,
    pub name: Box<str>,
    /// In namespaces that the document does not tell.
    pub anywhere: bool,
}

pub(super) fn read(reader: Reader<'_>) -> Box<[Made]> {
    let word = |path: &[&str]| reader.spec().and_then(|spec| word_at(spec, path));
    let secret = |name: Option<&str>, anywhere| {
        name.map(|name| Made { kind: "Secret", name: name.into(), anywhere }).into_iter().collect()
    };
    match (reader.group, reader.kind) {
        ("external-secrets.io", "ExternalSecret") => secret(word(&["target", "name"]).or(reader.name), false),
        ("external-secrets.io", "ClusterExternalSecret") => secret(word(&["externalSecretName"]).or(reader.name), true),
        ("bitnami.com", "SealedSecret") => secret(word(&["template", "metadata", "name"]).or(reader.name), false),
        ("cert-manager.io", "Certificate") => secret(word(&["secretName"]), false),
        (_, "ObjectBucketClaim") => {
            let made = |kind| reader.name.map(|name| Made { kind, name: name.into(), anywhere: false });
            ["Secret", "ConfigMap"].into_iter().filter_map(made).collect()
        }
        (_, "OnePasswordItem") => secret(reader.name, false),
        _ => Box::default(),
    }
}
