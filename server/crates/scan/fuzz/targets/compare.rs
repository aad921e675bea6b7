//! Two texts, apart by a byte that no text has: comparing their manifests never panics, sees what differs and nothing
//! else, keeps its budget and shows no secret.
#![no_main]

use entity::input::ObjectId;
use entity::view::MASK;
use libfuzzer_sys::fuzz_target;
use scan::diff::{MAX_CHANGES, diff};
use scan::file::{Manifest, read_file};
use yaml::{Limits, Node};

const LIMITS: Limits = Limits { bytes: 1 << 16, nodes: 2000, depth: 64, expanded_nodes: 4000 };

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|&byte| byte == 0xFF) else { return };
    let old = read_file(ObjectId([0; 20]), &data[..at], &LIMITS);
    let new = read_file(ObjectId([1; 20]), &data[at + 1..], &LIMITS);
    for manifest in old.manifests.iter().chain(&new.manifests) {
        assert_eq!(diff(manifest.root(), manifest.root()).total, 0);
        assert_eq!(manifest.file_hash().len(), 64);
        assert!(serde_json::from_str::<serde_json::Value>(&manifest.spec_json()).is_ok());
    }
    for (old, new) in old.manifests.iter().zip(&new.manifests) {
        compare(old, new);
        compare(new, old);
    }
});

fn compare(old: &Manifest, new: &Manifest) {
    let changes = diff(old.root(), new.root());
    assert!(changes.kept.len() <= MAX_CHANGES && changes.kept.len() as i64 <= changes.total);
    assert_eq!(changes.total == 0, old.digest() == new.digest(), "{:?}\n{:?}\n{changes:?}", old.root(), new.root());
    let secrets: Vec<&str> = [old, new].into_iter().flat_map(|manifest| secrets(manifest.root())).collect();
    for value in changes.kept.iter().flat_map(|change| [&change.old, &change.new]).flatten() {
        assert!(!secrets.contains(&value.as_str()) || value == MASK, "{value}");
    }
}

/// Secret texts that cannot stand anywhere else by chance.
fn secrets(node: Node<'_>) -> Vec<&str> {
    let own = node.scalar().filter(|text| node.is_hidden() && text.len() > 8);
    let entries = node.entries().flat_map(|(key, value)| [key, value]);
    own.into_iter().chain(node.items().chain(entries).flat_map(secrets)).collect()
}
