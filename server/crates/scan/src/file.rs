//! One file of a tree: its manifests, its figures, its problems and the text that may be stored of it.

use std::sync::{Arc, OnceLock};

use entity::credential::without_credentials;
use entity::input::{FoundProblem, ObjectId, ResourceKey};
use entity::kind::ProblemClass;
use serde_json::Value;
use yaml::{Digest, Document, Limits, Node, SharedNode, YamlError, parse};

use crate::build::{KustomizeFile, is_bare_kustomization};
use crate::count::FileFigures;
use crate::detect::{self, Facts};
use crate::elsewhere;
use crate::identity::Identity;
use crate::mask::{self, Rules};
use crate::uses::FileFacts;

/// Problems of one file that are kept; a file of nothing but duplicate keys need not fill a page.
const MAX_PROBLEMS: usize = 50;
/// Bytes of `spec` that are kept as JSON.
const MAX_SPEC: usize = 1 << 20;

/// A parsed file.
#[derive(Clone, Debug)]
pub struct ParsedFile {
    pub id: ObjectId,
    pub figures: FileFigures,
    pub manifests: Vec<Manifest>,
    /// What its first document says as a kustomization; whether the file is one, its name tells.
    pub kustomize: Option<KustomizeFile>,
    pub problems: Vec<FoundProblem>,
    /// What it says of charts, images and what it names, where that was asked for.
    pub uses: Arc<FileFacts>,
}

/// Where in its file a manifest stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentIndex {
    /// Number of the document, from 0.
    pub document: u32,
    /// Number of the item in a `List`, from 0.
    pub item: Option<u32>,
}

impl DocumentIndex {
    /// Where it stands, for people: `path`, `path#1`, or `path#0.3` for an item of a `List`.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        match self {
            Self { document: 0, item: None } => path.to_owned(),
            Self { document, item: None } => format!("{path}#{document}"),
            Self { document, item: Some(item) } => format!("{path}#{document}.{item}"),
        }
    }
}

/// A resource as a file writes it.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub key: ResourceKey,
    pub api_version: String,
    pub index: DocumentIndex,
    /// First line, from 1.
    pub line_start: u32,
    /// Last line.
    pub line_end: u32,
    digest: OnceLock<Digest>,
    written_digest: OnceLock<Digest>,
    pub root: SharedNode,
    pub facts: Facts,
}

/// Reads a file by the counting rules, with the usual rules of what is masked. Never fails: what is wrong with the file
/// is among its problems.
#[must_use]
pub fn read_file(id: ObjectId, text: &[u8], limits: &Limits) -> ParsedFile {
    read_file_masking(id, text, limits, &Rules::default())
}

/// The same with rules of one's own.
#[must_use]
pub fn read_file_masking(id: ObjectId, text: &[u8], limits: &Limits, rules: &Rules) -> ParsedFile {
    read(id, text, limits, rules, false)
}

/// The same with what it says of charts, images and what it names.
#[must_use]
pub fn read_file_with_uses(id: ObjectId, text: &[u8], limits: &Limits, rules: &Rules) -> ParsedFile {
    read(id, text, limits, rules, true)
}

fn read(id: ObjectId, text: &[u8], limits: &Limits, rules: &Rules, with_uses: bool) -> ParsedFile {
    let mut file = ParsedFile {
        id,
        figures: FileFigures { bytes: text.len() as u64, ..FileFigures::default() },
        manifests: Vec::new(),
        kustomize: None,
        problems: Vec::new(),
        uses: Arc::default(),
    };
    if let Some(message) = elsewhere::find(text) {
        let problem = FoundProblem { class: ProblemClass::Elsewhere, line: None, column: None, message };
        return ParsedFile::unreadable(id, file.figures.bytes, problem);
    }
    match parse(text, limits) {
        Ok(documents) => {
            // Before anything else looks at the nodes.
            if let Some(first) = documents.first() {
                first.shared_root().hide(mask::hidden(&documents, rules));
            }
            file.read(&documents);
            if with_uses {
                file.uses = Arc::new(FileFacts::of(&documents, text, rules));
            }
        }
        Err(error) => {
            let problem = found(error);
            file.figures.unparsable = Some(problem.clone());
            file.problems.push(problem);
        }
    }
    file
}

fn found(error: YamlError) -> FoundProblem {
    FoundProblem { class: error.class, line: error.line, column: error.column, message: error.message }
}

impl ParsedFile {
    /// A file whose text cannot be had: `bytes` large, with a problem and nothing else.
    #[must_use]
    pub fn unreadable(id: ObjectId, bytes: u64, problem: FoundProblem) -> Self {
        let figures = FileFigures { bytes, unparsable: Some(problem.clone()), ..FileFigures::default() };
        Self { id, figures, manifests: Vec::new(), kustomize: None, problems: vec![problem], uses: Arc::default() }
    }

    /// Whether what stands in the file says nothing of what it holds: resources that it had are taken to be there still.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.figures.unparsable.as_ref().is_some_and(|problem| problem.class == ProblemClass::Elsewhere)
    }

    /// The file as one of this path: kustomize's own file without ending is a kustomization and nothing else, whatever its
    /// text holds.
    #[must_use]
    pub fn at_path(self: Arc<Self>, path: &str) -> Arc<Self> {
        if !is_bare_kustomization(path) {
            return self;
        }
        Arc::new(Self {
            id: self.id,
            figures: FileFigures::default(),
            manifests: Vec::new(),
            kustomize: self.kustomize.clone(),
            problems: Vec::new(),
            uses: Arc::clone(&self.uses),
        })
    }

    /// The text with secrets masked, as UTF-8; `None` where there are no manifests. Made anew at each call: few who
    /// parse a file need it.
    #[must_use]
    pub fn masked(&self) -> Option<Vec<u8>> {
        Some(mask::masked(&self.manifests.first()?.root).into_bytes())
    }

    fn read(&mut self, documents: &[Document]) {
        let first = documents.iter().map(Document::root).find(|root| !root.is_null());
        self.kustomize = first.and_then(KustomizeFile::read);
        for (number, document) in (0..).zip(documents) {
            let identity = Identity::read(document.root());
            self.figures.add(document, identity.as_ref());
            for (line, key) in &document.duplicate_keys {
                let key = without_credentials(key);
                let message = format!("the key {key:?} stands twice in one mapping; the last one counts");
                self.report(ProblemClass::DuplicateKey, *line, message);
            }
            let Some(identity) = identity else { continue };
            let lines = (document.line_start, document.line_end);
            let index = DocumentIndex { document: number, item: None };
            if identity.is_list() {
                self.figures.other_documents.extend(identity.key().map(|key| (key, document.root().written_digest())));
                let items = document.root().get("items").into_iter().flat_map(Node::items);
                for (number, item) in (0..).zip(items) {
                    let Some(identity) = Identity::read(item) else { continue };
                    let index = DocumentIndex { item: Some(number), ..index };
                    let lines = (item.span().line, item.span().end_line);
                    self.add(document.shared_root().share(item), &identity, index, lines);
                }
            } else {
                self.add(document.shared_root().clone(), &identity, index, lines);
            }
        }
    }

    fn report(&mut self, class: ProblemClass, line: u32, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(FoundProblem { class, line: Some(line), column: None, message });
        }
    }

    fn add(
        &mut self,
        root: SharedNode,
        identity: &Identity<'_>,
        index: DocumentIndex,
        (line_start, line_end): (u32, u32),
    ) {
        let Some(key) = identity.key() else { return };
        if let Some((part, limit)) = identity.too_long() {
            let message = format!("{part} is longer than {limit} bytes; the document is not a resource");
            self.report(ProblemClass::Name, root.node().span().line, message);
            if index.item.is_none() {
                self.figures.other_documents.push((key, root.node().written_digest()));
            }
            return;
        }
        let node = root.node();
        self.manifests.push(Manifest {
            api_version: identity.api_version.to_owned(),
            index,
            line_start,
            line_end,
            digest: OnceLock::new(),
            written_digest: OnceLock::new(),
            facts: detect::facts(node, &key, identity.api_version),
            key,
            root,
        });
    }
}

impl Manifest {
    /// The same for what kubectl reads as the same object. Worked out when first asked for: counting needs none.
    #[must_use]
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| self.root.node().digest())
    }

    /// The same for the same content by the counting rules.
    #[must_use]
    pub fn written_digest(&self) -> Digest {
        *self.written_digest.get_or_init(|| self.root.node().written_digest())
    }

    /// Whether there is nothing to tell between the two: the same object, and the same to read about it. `1.10` that
    /// became `1.1` is the same number, but where it is a tag or a version, people see another one.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest() == other.digest() && self.facts == other.facts
    }

    /// The manifest's root.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        self.root.node()
    }

    /// Where it stands, for people: `path`, `path#1`, or `path#0.3` for an item of a `List`.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        self.index.place(path)
    }

    /// 64 hexadecimal digits that are equal for equal content, secrets masked, however it is written.
    #[must_use]
    pub fn file_hash(&self) -> String {
        blake3::hash(&self.root().canonical()).to_hex().to_string()
    }

    /// `spec` as JSON, secrets masked; `{}` where there is none. Of a very large one, the fields that fit.
    #[must_use]
    pub fn spec_json(&self) -> String {
        let Some(spec) = self.root().get("spec") else { return "{}".to_owned() };
        let mut json = spec.to_json();
        let text = json.to_string();
        if text.len() <= MAX_SPEC {
            return text;
        }
        let Value::Object(fields) = &mut json else { return "{}".to_owned() };
        let mut room = MAX_SPEC;
        fields.retain(|key, value| {
            let size = key.len() + value.to_string().len() + 8;
            let fits = size <= room;
            room -= if fits { size } else { 0 };
            fits
        });
        json.to_string()
    }
}
