//! Reads a configuration tree key by key, gathering every error instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use entity::view::ConfigProblem as ConfigError;
use yaml::Node;

use super::expand::{Environment, UsedVariable, VariableState};
use super::{duration, expand, reposentry};

/// The longest duration that may be written: what is added to a time has to stay one.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// What all sections share: the file's name, the environment, what was found so far.
pub struct Reader {
    file: PathBuf,
    /// Other files that may be read; any where there is none.
    only: Option<Vec<PathBuf>>,
    environment: Environment,
    allowed: RefCell<Vec<String>>,
    errors: RefCell<Vec<ConfigError>>,
    variables: RefCell<Vec<UsedVariable>>,
    /// What was put in the place of names, by them.
    values: RefCell<BTreeMap<String, String>>,
    /// Other files that were read, or would have been if they were there.
    files: RefCell<Vec<PathBuf>>,
}

impl Reader {
    /// A reader for one file.
    pub fn new(file: &Path, environment: Environment) -> Self {
        Self {
            file: file.to_owned(),
            only: None,
            environment,
            allowed: RefCell::default(),
            errors: RefCell::default(),
            variables: RefCell::default(),
            values: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The same, which reads no other files than these.
    pub fn only(self, known: &[PathBuf]) -> Self {
        Self { only: Some(known.to_vec()), ..self }
    }

    /// A reader for a file that this one names: the same variables may be used there, and no others.
    pub fn of_file(&self, file: &Path) -> Self {
        let reader = Self::new(file, self.environment.clone());
        reader.allow(self.allowed.borrow().clone());
        reader
    }

    /// Takes over what was found in another file.
    pub fn take(&self, other: Self) {
        self.errors.borrow_mut().extend(other.errors.into_inner());
        self.variables.borrow_mut().extend(other.variables.into_inner());
        self.values.borrow_mut().extend(other.values.into_inner());
    }

    /// Whether another file may be read; notes that it is.
    pub fn may_read(&self, path: &Path) -> Result<(), String> {
        if self.only.as_ref().is_none_or(|only| only.iter().any(|known| known == path)) {
            self.files.borrow_mut().push(path.to_owned());
            return Ok(());
        }
        Err("is none of the files in use, so it is not read here; kubestats config validate reads it".to_owned())
    }

    /// All files that were read.
    pub fn files(&self) -> Vec<PathBuf> {
        std::iter::once(self.file.clone()).chain(self.files.borrow().iter().cloned()).collect()
    }

    /// The file that is read.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts variables in place of their names, and notes which those are.
    fn expand(&self, key: &str, line: Option<u32>, text: &str) -> Result<String, String> {
        let allowed = self.allowed.borrow();
        for name in expand::names(text) {
            let state = match self.environment.get(name) {
                _ if !expand::is_allowed(&allowed, name) => VariableState::NotAllowed,
                Some(value) if !value.is_empty() => {
                    self.values.borrow_mut().insert(name.to_owned(), value.clone());
                    VariableState::Set
                }
                _ => VariableState::Unset,
            };
            self.variables.borrow_mut().push(UsedVariable {
                name: name.to_owned(),
                state,
                file: self.file.display().to_string(),
                line,
                key: key.to_owned(),
            });
        }
        expand::expand(text, &self.environment, &allowed)
    }

    /// Sets the names that `${NAME}` may use from here on.
    pub fn allow(&self, names: Vec<String>) {
        *self.allowed.borrow_mut() = names;
    }

    /// Everything wrong, in the files' order, and all variables that stand in them.
    pub fn into_parts(self) -> (Vec<ConfigError>, Vec<UsedVariable>) {
        let (mut errors, values) = (self.errors.into_inner(), self.values.into_inner());
        for error in &mut errors {
            error.message = expand::untold(&error.message, &values);
        }
        errors.sort();
        errors.dedup();
        (errors, self.variables.into_inner())
    }

    /// The whole file as a section.
    pub fn root<'a>(&'a self, node: Option<Node<'a>>) -> Section<'a> {
        Section::new(self, String::new(), node)
    }

    /// The environment, for what is not a key of the file.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Takes over an error of another file.
    pub fn add(&self, error: ConfigError) {
        self.errors.borrow_mut().push(error);
    }

    /// Records an error at a key.
    pub fn error(&self, key: &str, line: Option<u32>, message: String) {
        let file = if line.is_some() || key.is_empty() || !key.starts_with('$') {
            self.file.display().to_string()
        } else {
            "environment".to_owned()
        };
        self.errors.borrow_mut().push(ConfigError { file, line, key: key.trim_start_matches('$').to_owned(), message });
    }
}

/// A value and where it came from.
struct Found {
    text: String,
    /// The key, or `$NAME` for an environment variable.
    key: String,
    line: Option<u32>,
}

/// A mapping of the file; remembers which keys were asked for, so that the others can be reported.
pub struct Section<'a> {
    reader: &'a Reader,
    path: String,
    node: Option<Node<'a>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    fn new(reader: &'a Reader, path: String, node: Option<Node<'a>>) -> Self {
        let node = node.filter(|node| {
            let is_mapping = node.is_mapping();
            if !is_mapping && !node.is_null() {
                reader.error(&path, Some(node.span().line), "should be a mapping of keys to values".to_owned());
            }
            is_mapping
        });
        Self { reader, path, node, known: RefCell::default() }
    }

    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn child(&self, name: &'static str) -> Option<Node<'a>> {
        self.known.borrow_mut().push(name);
        self.node?.get(name).filter(|node| !node.is_null())
    }

    /// The reader behind all sections.
    pub fn reader(&self) -> &'a Reader {
        self.reader
    }

    /// A section within this one.
    pub fn section(&self, name: &'static str) -> Section<'a> {
        Section::new(self.reader, self.key(name), self.child(name))
    }

    /// The sections of a list.
    pub fn sections(&self, name: &'static str) -> Vec<Section<'a>> {
        let Some(node) = self.child(name) else { return Vec::new() };
        if !node.is_sequence() {
            self.reader.error(&self.key(name), Some(node.span().line), "should be a list".to_owned());
        }
        let section = |(index, item)| Section::new(self.reader, format!("{}[{index}]", self.key(name)), Some(item));
        node.items().enumerate().map(section).collect()
    }

    /// Whether the file or the environment sets a key.
    pub fn has(&self, name: &str) -> bool {
        self.node.is_some_and(|node| node.get(name).is_some_and(|node| !node.is_null()))
            || self.variable(&self.key(name)).is_some()
    }

    /// A value as the file has it, variables in it being variables still; nothing where the environment says another.
    pub fn written(&self, name: &str) -> Option<&'a str> {
        let node = self.node?.get(name)?;
        node.scalar().filter(|_| self.variable(&self.key(name)).is_none())
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.node.is_none_or(|node| node.entries().next().is_none())
    }

    /// Line of a key, or of the section where the key is missing.
    pub fn line(&self, name: &str) -> Option<u32> {
        let node = self.node?;
        Some(node.get(name).unwrap_or(node).span().line)
    }

    /// The section's own key and line.
    pub fn place(&self) -> (String, Option<u32>) {
        (self.path.clone(), self.node.map(|node| node.span().line))
    }

    /// Records an error at a key of this section.
    pub fn error(&self, name: &str, message: impl Into<String>) {
        self.reader.error(&self.key(name), self.line(name), message.into());
    }

    /// What the environment says of a key; entries of lists have no variable.
    fn variable(&self, key: &str) -> Option<Found> {
        let variable = format!("KUBESTATS_{}", key.to_uppercase().replace(['.', '-'], "_"));
        let text = self.reader.environment.get(&variable).filter(|_| !key.contains('['))?;
        Some(Found { text: text.clone(), key: format!("${variable}"), line: None })
    }

    /// A scalar: from the environment if `KUBESTATS_<KEY>` is set, else from the file with `${NAME}` expanded.
    fn scalar(&self, name: &'static str) -> Option<Found> {
        let node = self.child(name);
        let key = self.key(name);
        if let Some(found) = self.variable(&key) {
            return Some(found);
        }
        let node = node?;
        let line = Some(node.span().line);
        let Some(text) = node.scalar() else {
            self.reader.error(&key, line, "should be a single value, not a list or a mapping".to_owned());
            return None;
        };
        match self.reader.expand(&key, line, text) {
            Ok(text) => Some(Found { text, key, line }),
            Err(message) => {
                self.reader.error(&key, line, message);
                None
            }
        }
    }

    fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let found = self.scalar(name)?;
        parse(&found.text).map_err(|message| self.reader.error(&found.key, found.line, message)).ok()
    }

    /// Text, not empty.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.parsed(name, |text| match text.trim() {
            "" => Err("is empty".to_owned()),
            text => Ok(text.to_owned()),
        })
    }

    /// A fixed word.
    pub fn word<T: FromStr<Err = entity::kind::UnknownWord>>(&self, name: &'static str) -> Option<T> {
        self.parsed(name, |text| text.parse().map_err(|error: entity::kind::UnknownWord| error.to_string()))
    }

    /// One of a few words.
    pub fn one_of(&self, name: &'static str, allowed: &[&'static str]) -> Option<&'static str> {
        self.parsed(name, |text| {
            let word = allowed.iter().copied().find(|word| word.eq_ignore_ascii_case(text));
            word.ok_or_else(|| format!("{text:?} is not known here; allowed: {}", allowed.join(", ")))
        })
    }

    /// `true` or `false`.
    pub fn switch(&self, name: &'static str) -> Option<bool> {
        self.parsed(name, |text| match text {
            "true" | "True" | "TRUE" | "yes" | "on" => Ok(true),
            "false" | "False" | "FALSE" | "no" | "off" => Ok(false),
            _ => Err(format!("{text:?} is neither true nor false")),
        })
    }

    /// A whole number within a range.
    pub fn number(&self, name: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let allowed = format!("a whole number from {} to {} is allowed", range.start(), range.end());
        self.parsed(name, |text| match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("found {text:?}; {allowed}")),
        })
    }

    /// A duration of at least `minimum`.
    pub fn duration(&self, name: &'static str, minimum: Duration) -> Option<Duration> {
        self.parsed(name, |text| match duration::parse(text)? {
            found if found < minimum => {
                Err(format!("found {text:?}; at least {} is allowed", duration::format(minimum)))
            }
            found if found > LONGEST => {
                Err(format!("found {text:?}; at most {} is allowed", duration::format(LONGEST)))
            }
            found => Ok(found),
        })
    }

    /// A duration within bounds.
    pub fn duration_within(&self, name: &'static str, bounds: std::ops::RangeInclusive<Duration>) -> Option<Duration> {
        self.parsed(name, |text| duration::within(text, &bounds))
    }

    /// Anything with a parser of its own.
    pub fn value<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.parsed(name, parse)
    }

    /// Names and values of a mapping, as they are written: they are kept and shown, so no variables stand in them.
    pub fn map(&self, name: &'static str) -> Option<BTreeMap<String, String>> {
        let node = self.child(name)?;
        if !node.is_mapping() {
            self.error(name, "should be a mapping of names to values");
            return None;
        }
        let mut map = BTreeMap::new();
        for (key, value) in node.entries() {
            let key = key.scalar().unwrap_or_default();
            let (place, line) = (format!("{}.{key}", self.key(name)), Some(value.span().line));
            match value.scalar() {
                Some(text) if text.contains("${") => {
                    let message =
                        "is kept and shown as it stands here, so it holds no variable; write secrets as secret";
                    self.reader.error(&place, line, message.to_owned());
                }
                Some(_) if map.contains_key(key) => self.reader.error(&place, line, "stands twice".to_owned()),
                Some(text) => drop(map.insert(key.to_owned(), text.to_owned())),
                None => self.reader.error(&place, line, "should be a single value".to_owned()),
            }
        }
        Some(map)
    }

    /// A list of texts.
    pub fn texts(&self, name: &'static str) -> Option<Vec<String>> {
        self.list(name, |text| Ok(text.to_owned()))
    }

    /// A list of texts with a parser of their own. In the environment, commas stand between them.
    pub fn list<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let node = self.child(name);
        let read =
            |key: &str, line, text: &str| parse(text).map_err(|message| self.reader.error(key, line, message)).ok();
        if let Some(found) = self.variable(&self.key(name)) {
            let entries = found.text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            return Some(entries.filter_map(|entry| read(&found.key, None, entry)).collect());
        }
        let node = node?;
        let texts: Option<Option<Vec<(u32, &str)>>> =
            node.is_sequence().then(|| node.items().map(|item| Some((item.span().line, item.scalar()?))).collect());
        let Some(texts) = texts.flatten() else {
            self.error(name, "should be a list of texts");
            return None;
        };
        let key = self.key(name);
        let entry = |(line, text): (u32, &str)| {
            let text = self.reader.expand(&key, Some(line), text);
            let text = text.map_err(|message| self.reader.error(&key, Some(line), message)).ok()?;
            read(&key, Some(line), &text)
        };
        Some(texts.into_iter().filter_map(entry).collect())
    }

    /// Reports every key that was not asked for, with the nearest one that could have been meant.
    pub fn finish(self) {
        let Some(node) = self.node else { return };
        let known = self.known.borrow();
        let mut seen: Vec<&str> = Vec::new();
        for (key, _) in node.entries() {
            let name = key.scalar().unwrap_or_default();
            let line = Some(key.span().line);
            if seen.contains(&name) {
                self.reader.error(&self.key(name), line, "stands twice".to_owned());
            }
            seen.push(name);
            if known.contains(&name) {
                continue;
            }
            if let Some(sentence) = reposentry::refusal(&self.key(name)) {
                self.reader.error(&self.key(name), line, sentence.to_owned());
                continue;
            }
            let nearest =
                known.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
            let hint = match nearest {
                Some(nearest) if strsim::jaro_winkler(nearest, name) > 0.75 => format!("; did you mean {nearest:?}?"),
                _ => format!("; allowed: {}", known.join(", ")),
            };
            self.reader.error(&self.key(name), line, format!("unknown key{hint}"));
        }
    }
}
