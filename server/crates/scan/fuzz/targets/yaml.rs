//! Any bytes: reading them never panics and keeps its budget, and the text without its secrets is the same YAML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scan::mask::{self, Rules};
use yaml::{Document, Hidden, Kind, Limits, Node, parse};

const LIMITS: Limits = Limits { bytes: 1 << 16, nodes: 4000, depth: 64, expanded_nodes: 8000 };
/// Masks may be longer than what they stand for.
const ROOMY: Limits = Limits { bytes: 1 << 22, nodes: 4000, depth: 64, expanded_nodes: 8000 };

fuzz_target!(|data: &[u8]| {
    let Ok(documents) = parse(data, &LIMITS) else { return };
    let mut met = 0;
    for document in &documents {
        assert!(document.line_start <= document.line_end);
        walk(document.root(), 1, &mut met);
        let root = document.root();
        assert_eq!(root.digest(), root.digest());
        let _ = (root.to_json().to_string(), root.canonical(), scan::identity::Identity::read(root));
    }
    let Some(first) = documents.first() else { return };
    let source = first.shared_root().source();
    let hidden = mask::hidden(&documents, &Rules::default());
    let masked = mask::masked_by(first.shared_root(), &hidden);
    if hidden.is_empty() {
        assert_eq!(masked, source);
        return;
    }
    let after = parse(masked.as_bytes(), &ROOMY)
        .unwrap_or_else(|error| panic!("{error} in line {:?} of\n{masked}\nmade of\n{source}", error.line));
    assert_eq!(after.len(), documents.len(), "{masked}\nmade of\n{source}");
    for (before, after) in documents.iter().zip(&after) {
        check(before, after, &hidden, &masked);
    }
});

fn walk(node: Node<'_>, depth: usize, met: &mut usize) {
    *met += 1;
    assert!(depth <= LIMITS.depth && *met <= LIMITS.expanded_nodes);
    node.items().for_each(|item| walk(item, depth + 1, met));
    for (key, value) in node.entries() {
        walk(key, depth + 1, met);
        walk(value, depth + 1, met);
    }
}

fn check(before: &Document, after: &Document, hidden: &Hidden, masked: &str) {
    assert_eq!(before.line_start, after.line_start, "{masked}");
    compare(before.root(), after.root(), hidden, masked);
}

/// Equal but for the secret scalars.
fn compare(before: Node<'_>, after: Node<'_>, hidden: &Hidden, masked: &str) {
    assert_eq!(before.kind(), after.kind(), "{masked}");
    if before.kind() == Kind::Scalar {
        if let Some(cover) = hidden.shown(before.id()) {
            // Nothing, where only a block scalar may stand.
            let shown = after.scalar().unwrap_or_default();
            assert!(shown == cover || shown.trim().is_empty(), "{masked}");
        } else {
            assert_eq!(after.scalar(), before.scalar(), "{masked}");
        }
    }
    assert_eq!(before.items().len(), after.items().len(), "{masked}");
    before.items().zip(after.items()).for_each(|(before, after)| compare(before, after, hidden, masked));
    assert_eq!(before.entries().len(), after.entries().len(), "{masked}");
    for ((name, value), (new_name, new_value)) in before.entries().zip(after.entries()) {
        compare(name, new_name, hidden, masked);
        compare(value, new_value, hidden, masked);
    }
}
