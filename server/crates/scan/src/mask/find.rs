//! The walk over a file's nodes that finds what is secret.

use std::collections::HashSet;

use entity::credential::{is_email, is_template, names_credential, without_credentials};
use yaml::{Cover, Document, Hidden, Kind, Node, Tag};

use super::scope::Scope;
use super::shape::{Shape, ends_in_ignoring_case, names_reference};
use super::{Commented, Rules, comments, signs, text};
use crate::identity::is_sops;

/// Merges within merges, and lists within lists, are followed this far.
pub(super) const NESTING: usize = 8;
/// What SOPS leaves in place of a value.
const ENCRYPTED: &str = "ENC[";
/// What all documents hide.
pub(super) fn find(documents: &[Document], rules: &Rules, scope: Scope) -> Hidden {
    let mut finder = Finder { rules, covers: Vec::new(), within: Vec::new(), lines: Vec::new(), seen: HashSet::new() };
    let mut commented = Commented::default();
    for (number, document) in documents.iter().enumerate() {
        if finder.document(document.root(), scope) {
            commented.documents.push(number);
        }
    }
    commented.lines = joined(finder.lines);
    Hidden::new(finder.covers, finder.within, comments::find(documents, &commented))
}

pub(super) struct Finder<'r> {
    pub(super) rules: &'r Rules,
    pub(super) covers: Vec<(u32, Cover)>,
    pub(super) within: Vec<u32>,
    pub(super) lines: Vec<(u32, u32)>,
    /// Anchored nodes that were met, and where: what aliases multiply is looked at once.
    pub(super) seen: HashSet<(u32, Option<Scope>)>,
}

impl Finder<'_> {
    /// One document; whether all of its comments are secret.
    fn document(&mut self, root: Node<'_>, scope: Scope) -> bool {
        let is_sops = is_sops(root);
        if is_sops {
            self.sops(root);
        }
        let is_secret = root.is_mapping() && (scope.of_secret || Shape::of(root).is_secret(true));
        if is_secret {
            self.secret(root, 0);
        } else {
            self.mapping_or_other(root, scope, true, 0);
        }
        is_secret || is_sops
    }

    pub(super) fn visit(&mut self, node: Node<'_>, scope: Scope, depth: usize) {
        self.mapping_or_other(node, scope, false, depth);
    }

    pub(super) fn mapping_or_other(&mut self, node: Node<'_>, scope: Scope, is_root: bool, depth: usize) {
        if node.is_anchored() && !self.seen.insert((node.id(), Some(scope))) {
            return;
        }
        match node.kind() {
            Kind::Scalar => self.scalar(node, scope),
            Kind::Sequence => self.sequence(node, scope, depth),
            Kind::Mapping => self.mapping(node, scope, is_root, depth),
        }
    }

    pub(super) fn scalar(&mut self, node: Node<'_>, scope: Scope) {
        let Some(text) = node.scalar() else { return };
        if scope.is_config && self.rules.emails && is_email(text) && !is_template(text) {
            self.whole(node);
        } else if let Some(cover) = text::cover(text, self.rules, scope, find) {
            self.cover(node, cover);
        }
    }

    fn sequence(&mut self, node: Node<'_>, scope: Scope, depth: usize) {
        let mut option = false;
        for item in node.items() {
            // `--password`, and what follows it.
            let text = item.scalar().unwrap_or_default();
            if option && !text.starts_with('-') {
                self.credential(item, false);
            }
            option = self.rules.credentials && text.starts_with('-') && !text.contains('=') && names_credential(text);
            self.visit(item, scope, depth);
        }
    }

    fn mapping(&mut self, node: Node<'_>, mut scope: Scope, is_root: bool, depth: usize) {
        let shape = Shape::of(node);
        if shape.is_secret(is_root) {
            // A comment below may be about its last value.
            self.lines.push((node.span().line, node.span().end_line.saturating_add(1)));
            return self.secret(node, 0);
        }
        if let Some(kind) = shape.kind {
            if shape.is_kind("SecretGenerator") {
                return self.generator(node);
            }
            scope.is_config |= kind.eq_ignore_ascii_case("ConfigMap");
            scope.makes_secret |= ends_in_ignoring_case(kind, "secret");
            if ends_in_ignoring_case(kind, "list") && depth < NESTING {
                self.list(node, scope, shape.is_kind("SecretList"), depth);
            }
        }
        scope.of_secret |=
            shape.target.is_some_and(|target| target.is_mapping() && Shape::of(target).is_kind("Secret"));
        let names_value = self.rules.credentials && shape.name.is_some_and(names_credential);
        for (key, value) in node.entries() {
            let Some(name) = key.scalar() else {
                self.visit(key, scope, depth);
                self.visit(value, scope, depth);
                continue;
            };
            if self.rules.urls && name.contains("://") {
                let shown = without_credentials(name);
                if shown != name {
                    self.cover(key, Cover::Parts(shown.into()));
                }
            }
            if self.rules.credentials && names_credential(name) && (scope.is_config || !names_reference(name, &shape)) {
                self.credential(value, ends_in_ignoring_case(name.trim_end_matches(['s', 'S']), "token"));
            }
            self.entry(name, value, &shape, names_value, scope, depth);
        }
    }

    /// What the key says about its value beside its being a credential.
    fn entry(
        &mut self,
        name: &str,
        value: Node<'_>,
        shape: &Shape<'_>,
        names_value: bool,
        mut scope: Scope,
        depth: usize,
    ) {
        match name {
            "value" if names_value => self.credential(value, false),
            "value" if shape.is_operation => {
                let path = shape.path.unwrap_or_default();
                let in_data = path.strip_prefix("/data").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                let in_metadata = path.starts_with("/metadata/annotations");
                let in_strings =
                    path.len() > 10 && path.is_char_boundary(11) && path[..11].eq_ignore_ascii_case("/stringData");
                if in_strings || (scope.of_secret && (in_data || in_metadata)) {
                    return self.hide(value);
                }
                if self.rules.credentials && names_credential(path) {
                    self.credential(value, false);
                }
            }
            "literals" if value.is_sequence() => return self.literals(value, false, scope, depth),
            "secretGenerator" => return self.generator(value),
            "template" if scope.makes_secret && value.is_mapping() => return self.template(value, scope, depth),
            "values" | "valuesObject" | "valuesInline" | "valuesLocal" | "valuesContent" | "set" | "substitute"
            | "configMapGenerator" => scope.is_config = true,
            "target" => scope.of_secret = false,
            _ if signs::SECRET_KEYS.iter().any(|key| name.eq_ignore_ascii_case(key)) => return self.hide(value),
            _ => {}
        }
        self.visit(value, scope, depth);
    }

    fn list(&mut self, node: Node<'_>, scope: Scope, of_secrets: bool, depth: usize) {
        for item in node.get("items").into_iter().flat_map(Node::items) {
            let shape = Shape::of(item);
            if shape.is_secret(true) || (of_secrets && shape.kind.is_none()) {
                self.lines.push((item.span().line, item.span().end_line));
                self.secret(item, 0);
            } else if item.is_mapping() {
                self.mapping_or_other(item, scope, true, depth + 1);
            }
        }
    }

    /// The value of a key that names a credential: texts that are not empty and not templates. Numbers only where they
    /// can be no count, as those of tokens are.
    pub(super) fn credential(&mut self, node: Node<'_>, is_count: bool) {
        match (node.kind(), node.tag()) {
            (Kind::Scalar, Tag::Int | Tag::Float) if !is_count => self.whole(node),
            (Kind::Scalar, Tag::Str | Tag::Other | Tag::Binary | Tag::Timestamp | Tag::Value)
                if node.scalar().is_some_and(|text| !text.is_empty() && !is_template(text)) =>
            {
                self.whole(node);
            }
            (Kind::Sequence, _) => node.items().for_each(|item| {
                if item.kind() != Kind::Mapping {
                    self.credential(item, is_count);
                }
            }),
            _ => {}
        }
    }

    /// Every scalar in it, and what belongs to them.
    pub(super) fn hide(&mut self, node: Node<'_>) {
        if node.is_anchored() && !self.seen.insert((node.id(), None)) {
            return;
        }
        self.within.push(node.id());
        match node.kind() {
            Kind::Scalar => {
                if node.span().end > node.span().start {
                    self.covers.push((node.id(), Cover::Whole));
                    self.lines.push((node.span().line, node.span().end_line));
                }
            }
            Kind::Sequence => node.items().for_each(|item| self.hide(item)),
            Kind::Mapping => node.entries().for_each(|(key, value)| {
                match key.kind() {
                    Kind::Scalar => self.within.push(key.id()),
                    _ => self.hide(key),
                }
                self.hide(value);
            }),
        }
    }

    pub(super) fn whole(&mut self, node: Node<'_>) {
        if node.span().end > node.span().start {
            self.within.push(node.id());
            self.cover(node, Cover::Whole);
        }
    }

    pub(super) fn cover(&mut self, node: Node<'_>, cover: Cover) {
        self.lines.push((node.span().line, node.span().end_line));
        self.covers.push((node.id(), cover));
    }

    fn sops(&mut self, root: Node<'_>) {
        for (key, value) in root.entries() {
            match key.scalar() {
                Some("sops") => self.hide(value),
                _ => self.encrypted(value),
            }
        }
    }

    fn encrypted(&mut self, node: Node<'_>) {
        match node.kind() {
            Kind::Scalar if node.scalar().is_some_and(|text| text.starts_with(ENCRYPTED)) => self.hide(node),
            Kind::Scalar => {}
            Kind::Sequence => node.items().for_each(|item| self.encrypted(item)),
            Kind::Mapping => node.entries().for_each(|(_, value)| self.encrypted(value)),
        }
    }
}

/// Ranges of lines, ascending and apart.
fn joined(mut lines: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    lines.sort_unstable();
    lines.dedup_by(|next, before| {
        let touches = next.0 <= before.1.saturating_add(1);
        if touches {
            before.1 = before.1.max(next.1);
        }
        touches
    });
    lines
}
