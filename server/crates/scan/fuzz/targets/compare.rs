//! Two texts, apart by a byte that no text has: comparing their manifests never panics, sees what differs and nothing
//! else, keeps its budget and shows no value of a sensitive one.
#![no_main]

use entity::found::ObjectId;
use entity::view::MASK;
use libfuzzer_sys::fuzz_target;
use scan::diff::{MAX_CHANGES, diff};
use scan::file::{Manifest, read_file};
use scan::yaml::Limits;

const LIMITS: Limits = Limits { bytes: 1 << 16, nodes: 2000, depth: 64, expanded_nodes: 4000 };

fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|&byte| byte == 0xFF) else { return };
    let old = read_file(ObjectId([0; 20]), &data[..at], &LIMITS);
    let new = read_file(ObjectId([1; 20]), &data[at + 1..], &LIMITS);
    for manifest in old.manifests.iter().chain(&new.manifests) {
        assert_eq!(diff(manifest.root(), manifest.root(), manifest.sensitive).total, 0);
        assert_eq!(manifest.file_hash().len(), 64);
        assert!(serde_json::from_str::<serde_json::Value>(&manifest.spec_json()).is_ok());
    }
    for (old, new) in old.manifests.iter().zip(&new.manifests) {
        compare(old, new);
        compare(new, old);
    }
});

fn compare(old: &Manifest, new: &Manifest) {
    let sensitive = old.sensitive || new.sensitive;
    let changes = diff(old.root(), new.root(), sensitive);
    assert!(changes.kept.len() <= MAX_CHANGES && changes.kept.len() as i64 <= changes.total);
    assert_eq!(changes.total == 0, old.digest() == new.digest(), "{:?}\n{:?}\n{changes:?}", old.root(), new.root());
    if sensitive {
        for change in &changes.kept {
            for value in [&change.old, &change.new].into_iter().flatten() {
                assert_eq!(value, MASK);
            }
        }
    }
}
