//! Argo CD: the folders that Applications and ApplicationSets apply, and the namespace that they fill in.

use glob::Pattern;
use yaml::Node;

use super::kustomization::join;
use super::tree::Tree;
use super::variables::is_true;
use crate::detect::plain_at;

/// Generators of one ApplicationSet that are read, those inside `matrix` and the folders that they name too: each of them
/// is compared with every folder of the tree.
const MAX_GENERATORS: usize = 10_000;
/// Sources of one Application that are read.
const MAX_SOURCES: usize = 10_000;
/// Longest path or namespace that comes of filling in a folder.
const MAX_TEXT: usize = 4_000;

/// What an Application or the template of an ApplicationSet says about its builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// `spec.destination.namespace`.
    pub namespace: Option<String>,
    /// Sources with a path.
    pub sources: Vec<PathSource>,
    /// Git directory generators; their folders are filled in for `{{path}}`.
    pub directories: Vec<Directories>,
}

/// A source that is a folder of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathSource {
    /// Its number among the sources.
    pub number: usize,
    pub path: String,
    /// `directory.recurse`.
    pub recurse: bool,
}

/// Which folders a Git generator matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    pub included: Vec<String>,
    pub excluded: Vec<String>,
}

/// The folders of a tree.
pub(crate) trait Folders {
    /// Whether it is one of them.
    fn has_folder(&self, folder: &str) -> bool;
    /// All of them.
    fn folders(&self) -> Vec<&str>;
}

impl Folders for Tree<'_> {
    fn has_folder(&self, folder: &str) -> bool {
        self.has_folder(folder)
    }

    fn folders(&self) -> Vec<&str> {
        self.folders()
    }
}

/// A folder that is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Number of the source.
    pub source: usize,
    pub folder: String,
    pub namespace: Option<String>,
    pub recurse: bool,
}

impl Application {
    pub(crate) fn read(root: Node<'_>, kind: &str) -> Self {
        let is_set = kind == "ApplicationSet";
        let spec = if is_set { root.at(&["spec", "template", "spec"]) } else { root.get("spec") };
        let mut application = Self::default();
        if let Some(spec) = spec {
            application.namespace = plain_at(spec, &["destination", "namespace"]);
            let many = items(spec.get("sources")).take(MAX_SOURCES).filter(|node| node.is_mapping());
            let many: Vec<Node<'_>> = many.collect();
            let single = spec.get("source").filter(|_| many.is_empty());
            let sources = (0..).zip(many.into_iter().chain(single));
            application.sources = sources.filter_map(|(number, node)| PathSource::read(number, node)).collect();
        }
        if is_set {
            let mut room = MAX_GENERATORS;
            application.add_generators(root.at(&["spec", "generators"]), &mut room);
        }
        application
    }

    /// `room`: generators and folders that may still be read.
    fn add_generators(&mut self, generators: Option<Node<'_>>, room: &mut usize) {
        for generator in items(generators) {
            if !take(room) {
                return;
            }
            self.add_generators(generator.at(&["matrix", "generators"]), room);
            let mut directories = Directories::default();
            for directory in items(generator.at(&["git", "directories"])) {
                if !take(room) {
                    break;
                }
                let Some(path) = directory.get("path").and_then(Node::string).and_then(|path| join("", path)) else {
                    continue;
                };
                let of = match directory.get("exclude").is_some_and(is_true) {
                    true => &mut directories.excluded,
                    false => &mut directories.included,
                };
                of.push(path);
            }
            if !directories.included.is_empty() {
                self.directories.push(directories);
            }
        }
    }

    /// How many patterns each folder of a tree is compared with.
    pub(super) fn patterns(&self) -> usize {
        self.directories.iter().map(|directories| directories.included.len() + directories.excluded.len()).sum()
    }

    /// The folders of the tree that are applied; never its root.
    pub(crate) fn applied(&self, tree: &dyn Folders) -> Vec<Applied> {
        let mut matched: Option<Vec<&str>> = None;
        let mut applied = Vec::new();
        for source in &self.sources {
            let mut add = |path: Option<String>, namespace: Option<String>| {
                let folder = path.and_then(|path| join("", &path));
                if let Some(folder) = folder.filter(|folder| !folder.is_empty() && tree.has_folder(folder)) {
                    applied.push(Applied { source: source.number, folder, namespace, recurse: source.recurse });
                }
            };
            let namespace = self.namespace.as_deref();
            if source.path.contains("{{") {
                for folder in matched.get_or_insert_with(|| self.matched(tree)) {
                    add(fill_in(&source.path, folder), namespace.and_then(|namespace| fill_in(namespace, folder)));
                }
            } else {
                add(Some(source.path.clone()), namespace.filter(|text| !text.contains("{{")).map(str::to_owned));
            }
        }
        applied
    }

    /// The folders that the generators match.
    fn matched<'t>(&self, tree: &'t dyn Folders) -> Vec<&'t str> {
        let mut matched = Vec::new();
        for directories in &self.directories {
            let (included, excluded) = (patterns(&directories.included), patterns(&directories.excluded));
            let folders = tree.folders().into_iter().filter(|folder| {
                !folder.is_empty()
                    && !folder.split('/').any(|name| name.starts_with('.'))
                    && included.iter().any(|pattern| matches(pattern, folder))
                    && !excluded.iter().any(|pattern| matches(pattern, folder))
            });
            matched.extend(folders);
        }
        matched
    }
}

/// The items of a list.
fn items(node: Option<Node<'_>>) -> impl Iterator<Item = Node<'_>> {
    node.into_iter().flat_map(Node::items)
}

/// Takes one; `false` where there is none left.
fn take(room: &mut usize) -> bool {
    let is_there = *room > 0;
    *room = room.saturating_sub(1);
    is_there
}

impl PathSource {
    fn read(number: usize, node: Node<'_>) -> Option<Self> {
        let path = node.get("path").and_then(Node::string)?.to_owned();
        Some(Self { number, path, recurse: node.at(&["directory", "recurse"]).is_some_and(is_true) })
    }
}

/// A pattern for each name of a path: `*` stays within one. What is no pattern matches nothing.
fn patterns(paths: &[String]) -> Vec<Vec<Pattern>> {
    let pattern = |path: &String| path.split('/').map(|name| Pattern::new(&of_one_name(name)).ok()).collect();
    paths.iter().filter_map(pattern).collect()
}

/// A pattern in the form that our library reads: within one name several `*` are one, and a `[` that nothing closes is
/// itself.
fn of_one_name(written: &str) -> String {
    let mut pattern = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '[' => set_length(rest).unwrap_or(1),
            next => next.len_utf8(),
        };
        match &rest[..taken] {
            "[" => pattern.push_str("[[]"),
            "*" if pattern.ends_with('*') => {}
            part => pattern.push_str(part),
        }
        rest = &rest[taken..];
    }
    pattern
}

/// Bytes of the set (`[a-z]`, `[!a-z]`) that a text begins with: its first character may be the bracket that closes others.
fn set_length(text: &str) -> Option<usize> {
    let negated = usize::from(text[1..].starts_with('!'));
    let first = text[1 + negated..].chars().next()?;
    let from = 1 + negated + first.len_utf8();
    Some(from + text[from..].find(']')? + 1)
}

fn matches(pattern: &[Pattern], folder: &str) -> bool {
    let mut names = folder.split('/');
    pattern.iter().all(|pattern| names.next().is_some_and(|name| pattern.matches(name))) && names.next().is_none()
}

/// Puts a folder into a template; `None` where something else is left to be filled in.
pub(crate) fn fill_in(template: &str, folder: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (expression, after) = after.split_once("}}")?;
        out.push_str(before);
        out.push_str(value_of(expression.trim_start_matches('-').trim_end_matches('-').trim(), folder)?);
        if out.len() > MAX_TEXT {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn value_of<'f>(expression: &str, folder: &'f str) -> Option<&'f str> {
    let expression = expression.strip_prefix('.').unwrap_or(expression);
    let number = match expression {
        "path" | "path.path" => return Some(folder),
        "path.basename" | "path.basenameNormalized" => return folder.rsplit('/').next(),
        _ => match expression.strip_prefix("path[") {
            Some(rest) => rest.strip_suffix(']')?,
            None => {
                let rest = expression.strip_prefix("index ")?.trim_start();
                rest.strip_prefix('.').unwrap_or(rest).strip_prefix("path.segments ")?.trim_start()
            }
        },
    };
    folder.split('/').nth(number.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml::{Limits, parse};

    const FOLDERS: &[&str] = &["apps/web/a.yaml", "apps/db/a.yaml", "apps/db/deep/a.yaml", ".git/x/a.yaml", "a.yaml"];

    fn applied(kind: &str, spec: &str) -> Vec<String> {
        let documents = parse(format!("spec: {spec}").as_bytes(), &Limits::default()).unwrap();
        let tree = Tree::new(FOLDERS.iter().copied(), [], []);
        let mut found: Vec<String> = Application::read(documents[0].root(), kind)
            .applied(&tree)
            .into_iter()
            .map(|applied| format!("{} {} {}", applied.folder, applied.namespace.unwrap_or_default(), applied.recurse))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn an_application_applies_folders_of_the_tree_but_never_its_root() {
        let one = "{destination: {namespace: web}, source: {path: ./apps/web, directory: {recurse: true}}}";
        assert_eq!(applied("Application", one), ["apps/web web true"]);
        assert!(applied("Application", "{source: {path: .}}").is_empty());
        assert!(applied("Application", "{source: {path: elsewhere}}").is_empty());
        let both = "{source: {path: apps/web}, sources: [{chart: x}, {path: apps/db}]}";
        assert_eq!(applied("Application", both), ["apps/db  false"]);
    }

    #[test]
    fn patterns_of_one_name_are_those_of_the_shell() {
        for (pattern, name, is) in [
            ("a[b", "a[b", true),
            ("a[b", "ab", false),
            ("[]", "[]", true),
            ("[!]", "[!]", true),
            ("[]x]", "]", true),
            ("[!]x]", "a", true),
            ("[!]x]", "x", false),
            ("ä**[é]", "äxé", true),
        ] {
            assert_eq!(matches(&patterns(&[pattern.to_owned()])[0], name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn an_application_set_applies_what_its_directories_match() {
        let of = |path: &str, namespace: &str, generators: &str| {
            let template =
                format!("{{spec: {{destination: {{namespace: '{namespace}'}}, source: {{path: '{path}'}}}}}}");
            applied("ApplicationSet", &format!("{{generators: [{generators}], template: {template}}}"))
        };
        let git = "{git: {directories: [{path: 'apps/*'}, {path: apps/db, exclude: true}]}}";
        assert_eq!(of("{{path}}", "{{path.basename}}", git), ["apps/web web false"]);
        let matrix = "{matrix: {generators: [{list: {}}, {git: {directories: [{path: '*/*'}]}}]}}";
        assert_eq!(
            of("{{ .path.path }}", "ns-{{index .path.segments 1}}", matrix),
            ["apps/db ns-db false", "apps/web ns-web false"]
        );
        for (pattern, found) in [("apps/w**", "apps/web"), ("***/db", "apps/db"), ("a[p]*/w[!a]b", "apps/web")] {
            let git = format!("{{git: {{directories: [{{path: '{pattern}'}}]}}}}");
            assert_eq!(of("{{path}}", "x", &git), [format!("{found} x false")], "{pattern}");
        }
        let unclosed = "{git: {directories: [{path: 'apps/[web'}]}}";
        assert!(of("{{path}}", "x", unclosed).is_empty());
        // Of many the last one counts too.
        let others: String = (0..3_000).map(|number| format!("{{path: other/{number}}}, ")).collect();
        let many = format!("{{git: {{directories: [{others}{{path: apps/web}}]}}}}");
        assert_eq!(of("{{path}}", "x", &many), ["apps/web x false"]);
        let generators = format!("{}{git}", "{list: {}}, ".repeat(1_000));
        assert_eq!(of("{{path}}", "x", &generators), ["apps/web x false"]);
        assert_eq!(of("{{path[0]}}/{{path[1]}}", "{{cluster}}", git), ["apps/web  false"]);
        assert!(of("{{path}}/{{other}}", "x", git).is_empty());
    }
}
