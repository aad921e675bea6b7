//! The walk over a file's nodes that finds what is secret.

use std::collections::HashSet;

use entity::credential::{is_email, is_template, names_credential, without_credentials};

use super::{Commented, Cover, Hidden, Rules, comments, signs, text};
use crate::identity::is_sops;
use crate::yaml::{Document, Kind, Node, Tag};

/// Merges within merges, and lists within lists, are followed this far.
const NESTING: usize = 8;
/// What SOPS leaves in place of a value.
const ENCRYPTED: &str = "ENC[";
/// Longest name, type or annotation of a Secret that is shown: no longer one is a right one.
const MAX_NAME: usize = 500;
/// Groups of annotations that say who made a Secret and what becomes of it; no tool writes values of the Secret into them.
/// Any other annotation may hold them: `kubectl` keeps the whole object in one, OpenShift a token.
const HARMLESS_ANNOTATIONS: [&str; 20] = [
    "argocd.argoproj.io/",
    "avp.kubernetes.io/",
    "cert-manager.io/",
    "config.kubernetes.io/",
    "external-secrets.io/",
    "fluxcd.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "k8s-sidecar-target-directory",
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "kustomize.config.k8s.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "openshift.io/token-secret.name",
    "reflector.v1.k8s.emberstack.com/",
    "reloader.stakater.com/",
    "replicator.v1.mittwald.de/",
    "sealedsecrets.bitnami.com/",
    "tekton.dev/",
];

/// What a node stands within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// Values of a chart or a ConfigMap: what programs are told.
    is_config: bool,
    /// A patch of a Secret, which need not say so itself.
    pub(super) of_secret: bool,
    /// A kind whose `template` becomes a Secret.
    makes_secret: bool,
    /// Texts around it.
    pub(super) nesting: u8,
}

impl Scope {
    /// Where the documents of a text in this place stand.
    pub(super) fn within_text(self) -> Self {
        Self { makes_secret: false, nesting: self.nesting + 1, ..self }
    }
}

/// What all documents hide.
pub(super) fn find(documents: &[Document], rules: &Rules, scope: Scope) -> Hidden {
    let mut finder = Finder { rules, covers: Vec::new(), within: Vec::new(), lines: Vec::new(), seen: HashSet::new() };
    let mut commented = Commented::default();
    for (number, document) in documents.iter().enumerate() {
        if finder.document(document.root(), scope) {
            commented.documents.push(number);
        }
    }
    let Finder { mut covers, mut within, lines, .. } = finder;
    commented.lines = joined(lines);
    // Of two findings about one node the stricter one counts.
    covers.sort_by_key(|(id, cover)| (*id, *cover != Cover::Whole));
    covers.dedup_by_key(|(id, _)| *id);
    within.sort_unstable();
    within.dedup();
    let comments = comments::find(documents, &commented);
    let (ids, covers) = covers.into_iter().unzip();
    Hidden { ids, covers, within, comments }
}

struct Finder<'r> {
    rules: &'r Rules,
    covers: Vec<(u32, Cover)>,
    within: Vec<u32>,
    lines: Vec<(u32, u32)>,
    /// Anchored nodes that were met, and where: what aliases multiply is looked at once.
    seen: HashSet<(u32, Option<Scope>)>,
}

/// The keys of a mapping that tell what it is.
#[derive(Default)]
struct Shape<'t> {
    kind: Option<&'t str>,
    api_version: Option<&'t str>,
    name: Option<&'t str>,
    kind_of_secret: Option<&'t str>,
    path: Option<&'t str>,
    target: Option<Node<'t>>,
    has_body: bool,
    has_data: bool,
    is_operation: bool,
    has_reference: bool,
}

impl<'t> Shape<'t> {
    fn of(node: Node<'t>) -> Self {
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

    fn is_kind(&self, kind: &str) -> bool {
        self.kind.is_some_and(|other| other.eq_ignore_ascii_case(kind))
    }

    /// Whether it is, or is meant as, a core Secret and not the name of one.
    fn is_secret(&self, is_root: bool) -> bool {
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

    fn visit(&mut self, node: Node<'_>, scope: Scope, depth: usize) {
        self.mapping_or_other(node, scope, false, depth);
    }

    fn mapping_or_other(&mut self, node: Node<'_>, scope: Scope, is_root: bool, depth: usize) {
        if node.is_anchored() && !self.seen.insert((node.id(), Some(scope))) {
            return;
        }
        match node.kind() {
            Kind::Scalar => self.scalar(node, scope),
            Kind::Sequence => self.sequence(node, scope, depth),
            Kind::Mapping => self.mapping(node, scope, is_root, depth),
        }
    }

    fn scalar(&mut self, node: Node<'_>, scope: Scope) {
        let Some(text) = node.scalar() else { return };
        if scope.is_config && self.rules.emails && is_email(text) && !is_template(text) {
            self.whole(node);
        } else if let Some(cover) = text::cover(text, self.rules, scope) {
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

    /// Everything in a Secret but what names it. All keys count, duplicates and merged ones too: what `get` would not
    /// find is secret all the same.
    fn secret(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar().map(str::to_ascii_lowercase).as_deref() {
                Some("apiversion" | "kind" | "type" | "immutable") => self.keep(value),
                Some("metadata") if value.is_mapping() => self.metadata(value, depth),
                _ => self.merged_or_hidden(key, value, depth, Self::secret),
            }
        }
    }

    fn metadata(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar() {
                Some("name" | "namespace" | "generateName") => self.keep(value),
                Some("labels") if value.is_mapping() => self.labels(value, depth),
                Some("annotations") if value.is_mapping() => self.annotations(value, depth),
                _ => self.merged_or_hidden(key, value, depth, Self::metadata),
            }
        }
    }

    fn labels(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.tag() {
                Tag::Merge => self.merged_or_hidden(key, value, depth, Self::labels),
                _ => self.keep(value),
            }
        }
    }

    fn annotations(&mut self, node: Node<'_>, depth: usize) {
        self.within.push(node.id());
        for (key, value) in node.entries() {
            self.within.push(key.id());
            match key.scalar() {
                Some(name) if HARMLESS_ANNOTATIONS.iter().any(|group| name.starts_with(group)) => self.keep(value),
                _ => self.merged_or_hidden(key, value, depth, Self::annotations),
            }
        }
    }

    /// What a merge key brings in stands as if it were written here; anything else is hidden, but for its key.
    fn merged_or_hidden(
        &mut self,
        key: Node<'_>,
        value: Node<'_>,
        depth: usize,
        merged: fn(&mut Self, Node<'_>, usize),
    ) {
        if key.kind() != Kind::Scalar {
            self.hide(key);
        }
        if key.tag() == Tag::Merge && depth < NESTING {
            let single = value.is_mapping().then_some(value);
            value.items().chain(single).for_each(|source| merged(self, source, depth + 1));
        } else {
            self.hide(value);
        }
    }

    /// What names a Secret is shown, as long as it can be a name.
    fn keep(&mut self, node: Node<'_>) {
        match node.scalar() {
            Some(text) if text.len() <= MAX_NAME => {
                self.within.push(node.id());
                let shown = without_credentials(text);
                if shown != text {
                    self.cover(node, Cover::Parts(shown.into()));
                }
            }
            _ => self.hide(node),
        }
    }

    /// What another kind makes a Secret of: literals are hidden, what says where a value comes from is not.
    fn template(&mut self, node: Node<'_>, scope: Scope, depth: usize) {
        for (key, value) in node.entries() {
            match key.scalar() {
                Some("data" | "stringData" | "templateFrom" | "annotations") => self.hide_literals(value, scope),
                Some("metadata") if value.is_mapping() => self.template(value, scope, depth),
                _ => self.visit(value, scope, depth),
            }
        }
    }

    fn hide_literals(&mut self, node: Node<'_>, scope: Scope) {
        match node.kind() {
            Kind::Scalar if node.scalar().is_some_and(is_template) => self.scalar(node, scope),
            Kind::Scalar => self.hide(node),
            Kind::Sequence => node.items().for_each(|item| self.hide_literals(item, scope)),
            Kind::Mapping => {
                for (key, value) in node.entries() {
                    match key.scalar() {
                        // References to templates, and annotations that are no values.
                        Some("name" | "key" | "target" | "templateAs") => self.visit(value, scope, 0),
                        Some(name) if HARMLESS_ANNOTATIONS.iter().any(|group| name.starts_with(group)) => {
                            self.keep(value)
                        }
                        _ => self.hide_literals(value, scope),
                    }
                }
            }
        }
    }

    /// `secretGenerator`, or a document that is one: names and files are shown, literals by their keys only.
    fn generator(&mut self, node: Node<'_>) {
        if node.kind() == Kind::Scalar {
            return self.hide(node);
        }
        self.lines.push((node.span().line, node.span().end_line));
        node.items().for_each(|item| self.generator(item));
        for (key, value) in node.entries() {
            match key.scalar().unwrap_or_default() {
                "name"
                | "namespace"
                | "type"
                | "behavior"
                | "apiVersion"
                | "kind"
                | "disableNameSuffixHash"
                | "immutable" => {
                    self.keep(value);
                }
                "files" | "file" | "envs" | "env" => match value.is_sequence() {
                    true => value.items().for_each(|item| self.keep(item)),
                    false => self.keep(value),
                },
                "literals" if value.is_sequence() => self.literals(value, true, Scope::default(), 0),
                "options" | "metadata" if value.is_mapping() => {
                    for (key, value) in value.entries() {
                        match key.scalar() {
                            Some("labels") if value.is_mapping() => self.labels(value, 0),
                            Some("annotations") if value.is_mapping() => self.annotations(value, 0),
                            Some("disableNameSuffixHash" | "immutable" | "name" | "namespace") => self.keep(value),
                            _ => self.hide(value),
                        }
                    }
                }
                _ => self.hide(value),
            }
        }
    }

    fn literals(&mut self, node: Node<'_>, of_secret: bool, scope: Scope, depth: usize) {
        for item in node.items() {
            let text = item.scalar().unwrap_or_default();
            match text::literal(text, of_secret).filter(|_| of_secret || self.rules.credentials) {
                Some(Cover::Whole) => self.hide(item),
                Some(cover) => self.cover(item, cover),
                None if of_secret && item.kind() != Kind::Scalar => self.hide(item),
                None => self.visit(item, scope, depth),
            }
        }
    }

    /// The value of a key that names a credential: texts that are not empty and not templates. Numbers only where they
    /// can be no count, as those of tokens are.
    fn credential(&mut self, node: Node<'_>, is_count: bool) {
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
    fn hide(&mut self, node: Node<'_>) {
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

    fn whole(&mut self, node: Node<'_>) {
        if node.span().end > node.span().start {
            self.within.push(node.id());
            self.cover(node, Cover::Whole);
        }
    }

    fn cover(&mut self, node: Node<'_>, cover: Cover) {
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

/// Whether a field of an object rather names a Secret, or a key in one, than holds its value.
fn names_reference(name: &str, shape: &Shape<'_>) -> bool {
    let ends = |endings: &[&str]| endings.iter().any(|ending| ends_in_ignoring_case(name, ending));
    (shape.has_reference && ends(&["key"]))
        || (ends(&["secret"]) && !ends(&["clientsecret", "client_secret", "client-secret"]))
        || ends(&["secretkey", "secret_key", "secret-key"])
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

fn ends_in_ignoring_case(text: &str, ending: &str) -> bool {
    let at = text.len().checked_sub(ending.len());
    at.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}
