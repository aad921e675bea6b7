//! Values that a release writes itself: most commits change its version or its source, and leave them as they are.

use std::sync::Arc;

use yaml::{Kind, Node, SharedNode};

use super::super::values::{Layers, Values};
use super::Asker;
use super::draft::MergedValues;

/// Nodes of values that are compared with those of before; where there are more, they are collected anew.
const MAX_COMPARED: usize = 20_000;

/// What the values of a unit came to that come from one node of its own file alone.
#[derive(Clone, Debug)]
pub struct OwnValues {
    node: SharedNode,
    values: Arc<Values>,
}

impl Asker<'_> {
    /// The same for a unit of which this is known from before.
    pub fn with_own(self, own: Option<OwnValues>) -> Self {
        *self.own_before.borrow_mut() = own;
        self
    }

    /// What is known of it now; nothing where it has no such values any more.
    pub fn take_own(&self) -> Option<OwnValues> {
        self.own_now.take()
    }

    /// What merged values come to whose only layer is `node`, of the unit's own file.
    pub(super) fn merged_own(&self, layers: Layers, node: &SharedNode) -> MergedValues {
        if layers.is_full() {
            return self.merged(layers);
        }
        let before = self.own_before.take().filter(|own| is_same(&own.node, node));
        let values = match before {
            Some(own) => self.counted(own.values, layers),
            None => self.merged(layers),
        };
        *self.own_now.borrow_mut() = Some(OwnValues { node: node.clone(), values: Arc::clone(&values.values) });
        values
    }
}

fn is_same(left: &SharedNode, right: &SharedNode) -> bool {
    let is_one = std::ptr::eq(left.source(), right.source()) && left.node().id() == right.node().id();
    is_one || says_same(left.node(), right.node(), &mut { MAX_COMPARED })
}

/// Whether nodes say the same in the same lines. `room`: nodes that may still be looked at; aliases may make many of few.
fn says_same(left: Node<'_>, right: Node<'_>, room: &mut usize) -> bool {
    if *room == 0 || left.kind() != right.kind() || left.tag() != right.tag() || left.span().line != right.span().line {
        return false;
    }
    *room -= 1;
    match left.kind() {
        Kind::Scalar => left.scalar() == right.scalar() && left.is_hidden() == right.is_hidden(),
        Kind::Sequence => {
            let (items, others) = (left.items(), right.items());
            items.len() == others.len() && items.zip(others).all(|(left, right)| says_same(left, right, room))
        }
        Kind::Mapping => {
            let (entries, others) = (left.entries(), right.entries());
            entries.len() == others.len()
                && entries.zip(others).all(|((key, value), (other_key, other))| {
                    says_same(key, other_key, room) && says_same(value, other, room)
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{Rules, hidden};
    use yaml::{Limits, parse};

    fn node(text: &str) -> SharedNode {
        let documents = parse(text.as_bytes(), &Limits::default()).unwrap();
        let root = documents[0].shared_root().clone();
        root.hide(hidden(&documents, &Rules::default()));
        root
    }

    #[test]
    fn values_are_the_same_where_every_leaf_of_them_is() {
        let written = "a: 1\nb: [x, {c: null}]\nd: {}\n";
        for (other, is) in [
            (written, true),
            ("a:   1 # why\nb: ['x', {c: ~}]\nd: {}\n", false),
            ("a:   1 # why\nb: ['x', {c: null}]\nd: {}\n", true),
            ("a: '1'\nb: [x, {c: null}]\nd: {}\n", false),
            ("a: 1\nb: [x]\nd: {}\n", false),
            ("a: 1\nb: [x, {c: null}]\nd: []\n", false),
            ("a: 1\nb: [x, {e: null}]\nd: {}\n", false),
            ("a: 1\nb: [x, {c: null}]\n\nd: {}\n", false),
            ("a: 1\nd: {}\nb: [x, {c: null}]\n", false),
        ] {
            assert_eq!(is_same(&node(written), &node(other)), is, "{other}");
        }
        let one = node(written);
        assert!(is_same(&one, &one.clone()));
        assert!(!is_same(&one, &one.share(one.node().get("b").unwrap())));
    }

    #[test]
    fn what_aliases_multiply_is_not_compared_to_the_end() {
        let mut text = String::from("l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n");
        for level in 1..5 {
            let of = vec![format!("*l{}", level - 1); 10].join(", ");
            text.push_str(&format!("l{level}: &l{level} [{of}]\n"));
        }
        assert!(!is_same(&node(&text), &node(&text)));
    }
}
