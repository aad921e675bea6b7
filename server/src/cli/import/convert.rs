//! What becomes of each key.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use entity::address::Address;
use entity::credential::{has_credentials, names_credential, without_credentials};
use serde_yaml::{Mapping, Value};

use super::leaves::{Leaf, leaves};
use super::read;
use super::tokens::Tokens;
use crate::config::reposentry::{Fate, KEYS};
use crate::config::{names_in, parse_duration, variable_is_allowed};

/// What RepoSentry listens at where nothing is said.
const PORT: &str = "8080";
/// The least time between two looks.
const MINUTE: Duration = Duration::from_mins(1);
/// How often RepoSentry looks where nothing is said.
const INTERVAL: &str = "5m";
/// Names that RepoSentry's `${NAME}` may use where nothing is said; Kubestats' own list has them all.
const ALLOWED: [&str; 4] = ["GITHUB_TOKEN", "GITLAB_TOKEN", "GHE_TOKEN", "*_TOKEN"];

/// Where RepoSentry's list of them stands.
const ALLOWED_KEY: &str = "security.allowed_env_vars[]";

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Changed,
    Dropped,
    Added,
}

impl What {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Dropped => "dropped",
            Self::Added => "added",
        }
    }
}

/// A line of what is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub file: String,
    pub line: Option<u32>,
    pub key: String,
    pub what: What,
    pub why: String,
}

/// A configuration of Kubestats, and how it came to be.
pub(super) struct Converted {
    pub text: String,
    pub notes: Vec<Note>,
    /// Keys that needed no word.
    pub taken: usize,
    pub tokens: Tokens,
    /// Every variable that the result names.
    pub variables: BTreeSet<String>,
}

/// One file being converted.
struct Source {
    file: String,
    /// Whether it is the file of repositories, where RepoSentry's rules of variables were others.
    is_second: bool,
}

struct Converter {
    root: Mapping,
    repositories: Vec<Mapping>,
    notes: Vec<Note>,
    taken: usize,
    tokens: Tokens,
    variables: BTreeSet<String>,
    allowed: Option<Vec<String>>,
}

/// Converts a file and the one of repositories that it may name.
pub(super) fn convert(path: &Path) -> anyhow::Result<Converted> {
    let mut converter = Converter {
        root: Mapping::new(),
        repositories: Vec::new(),
        notes: Vec::new(),
        taken: 0,
        tokens: Tokens::default(),
        variables: BTreeSet::new(),
        allowed: None,
    };
    let main = Source { file: path.display().to_string(), is_second: false };
    let found = leaves(path, &read(path)?)?;
    // Known before the first variable is met, wherever it stands.
    let allowed: Vec<String> =
        found.iter().filter(|leaf| leaf.pattern() == ALLOWED_KEY).map(|leaf| leaf.text.clone()).collect();
    converter.allowed = (!allowed.is_empty()).then_some(allowed);
    let second = found.iter().find(|leaf| leaf.key == "repositories_config" && !leaf.text.trim().is_empty()).cloned();
    let (listed, others): (Vec<Leaf>, Vec<Leaf>) =
        found.into_iter().partition(|leaf| leaf.key.starts_with("repositories["));
    for leaf in others.iter().filter(|leaf| leaf.key != "repositories_config") {
        converter.leaf(&main, leaf);
    }
    match second {
        None => converter.repositories(&main, &listed),
        Some(named) => {
            let other = path.parent().unwrap_or(Path::new("")).join(named.text.trim());
            let why = format!("what {} lists stands in the one file now", other.display());
            converter.note(&main, &named, What::Changed, why);
            if let Some(first) = listed.first() {
                let why = format!("RepoSentry reads those of {} in their place", named.text.trim());
                converter.note(&main, &Leaf { key: "repositories".to_owned(), ..first.clone() }, What::Dropped, why);
            }
            let second = Source { file: other.display().to_string(), is_second: true };
            let (listed, others): (Vec<Leaf>, Vec<Leaf>) =
                leaves(&other, &read(&other)?)?.into_iter().partition(|leaf| leaf.key.starts_with("repositories["));
            for leaf in &others {
                converter.leaf(&second, leaf);
            }
            converter.repositories(&second, &listed);
        }
    }
    converter.finish(&main)
}

impl Converter {
    fn note(&mut self, source: &Source, leaf: &Leaf, what: What, why: impl Into<String>) {
        let (file, line, key) = (source.file.clone(), Some(leaf.line), leaf.key.clone());
        self.notes.push(Note { file, line, key, what, why: why.into() });
    }

    fn put(&mut self, key: &str, value: Value) {
        put(&mut self.root, &key.split('.').collect::<Vec<_>>(), value);
    }

    /// A value outside of the list of repositories.
    fn leaf(&mut self, source: &Source, leaf: &Leaf) {
        let pattern = leaf.pattern();
        match pattern.as_str() {
            "app.health_check_port" => {
                let listen = format!("0.0.0.0:{}", leaf.text.trim());
                let why = format!(
                    "app.listen: {listen}, for all machines as RepoSentry does it; 127.0.0.1:{} keeps it to this one",
                    leaf.text.trim()
                );
                self.put("app.listen", Value::from(listen));
                self.note(source, leaf, What::Changed, why);
            }
            "polling.interval" if parse_duration(&leaf.text).is_ok_and(|interval| interval < MINUTE) => {
                self.put("polling.interval", Value::from("1m"));
                self.note(source, leaf, What::Changed, "1m, the shortest that there is");
            }
            "storage.sqlite.path" => {
                let why = "that file is RepoSentry's own and is not read; the database is kubestats.db in app.data_dir, and \
                           what the first look finds of branches is the beginning";
                self.note(source, leaf, What::Dropped, why);
            }
            ALLOWED_KEY => self.taken += 1,
            _ if pattern.starts_with("tekton.headers.") => self.header(source, leaf),
            _ => match fate(&pattern) {
                Some(Fate::Honoured(_)) => {
                    let value = self.value(source, leaf);
                    self.put(&leaf.key, value);
                    self.taken += 1;
                }
                Some(Fate::Refused(why)) => self.note(source, leaf, What::Dropped, why),
                None => self.note(source, leaf, What::Dropped, "RepoSentry has no such key, and passes over it"),
            },
        }
    }

    /// RepoSentry keeps them and sends none.
    fn header(&mut self, source: &Source, leaf: &Leaf) {
        let name = leaf.key.trim_start_matches("tekton.headers.").to_owned();
        let bearer = leaf.text.trim().strip_prefix("Bearer ").map(str::trim);
        if name.eq_ignore_ascii_case("authorization") {
            let Some(token) = bearer else {
                let why = "only a bearer token can be sent, as tekton.secret";
                return self.note(source, leaf, What::Dropped, why);
            };
            let token = self.secret(source, leaf, token, "tekton");
            self.put("tekton.secret", Value::from(token));
            return self.note(
                source,
                leaf,
                What::Changed,
                "tekton.secret, which is sent as a bearer token; RepoSentry sends none",
            );
        }
        let value = match names_credential(&name) {
            true => Value::from(self.secret(source, leaf, &leaf.text, &format!("tekton {name}"))),
            false => self.value(source, leaf),
        };
        // A header's name may have dots.
        put(&mut self.root, &["tekton", "headers", &name], value);
        match name.to_ascii_lowercase().as_str() {
            "content-type" | "x-source" => self.taken += 1,
            _ => self.note(source, leaf, What::Changed, "it is sent now; RepoSentry keeps headers and sends none"),
        }
    }

    /// `${NAME}` for a value that nobody should read; what is one already stays.
    fn secret(&mut self, source: &Source, leaf: &Leaf, text: &str, for_what: &str) -> String {
        let text = self.variables_of(source, leaf, text);
        if names_in(&text).next().is_some() {
            return text;
        }
        let name = self.tokens.name(&text, for_what, (&source.file, leaf.line, &leaf.key));
        self.allow(&name);
        self.variables.insert(name.clone());
        format!("${{{name}}}")
    }

    fn value(&mut self, source: &Source, leaf: &Leaf) -> Value {
        let text = self.variables_of(source, leaf, &leaf.text);
        if text == leaf.text { leaf.value() } else { Value::from(text) }
    }

    /// The text with every variable written as it is here.
    fn variables_of(&mut self, source: &Source, leaf: &Leaf, text: &str) -> String {
        let written = if source.is_second { with_braces(text) } else { text.to_owned() };
        if written != text {
            let why = "variables are written ${NAME}; in this file RepoSentry takes $NAME as well";
            self.note(source, leaf, What::Changed, why);
        }
        for name in names_in(&written).map(str::to_owned).collect::<Vec<_>>() {
            let default: Vec<String> = ALLOWED.map(str::to_owned).to_vec();
            let was_allowed = variable_is_allowed(self.allowed.as_ref().unwrap_or(&default), &name);
            if !was_allowed && self.allow(&name) {
                let why = match source.is_second {
                    true => format!("{name} is added to security.allowed_env_vars, which holds for all files here"),
                    false => format!(
                        "{name} is added to security.allowed_env_vars: without, RepoSentry takes the text as it stands, and \
                         here it is an error"
                    ),
                };
                self.note(source, leaf, What::Changed, why);
            }
            self.variables.insert(name);
        }
        written
    }

    /// Adds a name to those that may be used; whether that was needed.
    fn allow(&mut self, name: &str) -> bool {
        let default: Vec<String> = ALLOWED.map(str::to_owned).to_vec();
        if variable_is_allowed(self.allowed.as_ref().unwrap_or(&default), name) {
            return false;
        }
        self.allowed.get_or_insert(default).push(name.to_owned());
        true
    }

    fn repositories(&mut self, source: &Source, leaves: &[Leaf]) {
        let names: Vec<(usize, &str)> = leaves
            .iter()
            .filter(|leaf| leaf.pattern() == "repositories[].name")
            .filter_map(|leaf| Some((leaf.place()?, leaf.text.as_str())))
            .collect();
        for leaf in leaves {
            let Some(place) = leaf.place() else { continue };
            if self.repositories.len() <= place {
                self.repositories.resize(place + 1, Mapping::new());
            }
            let name = names.iter().find(|(other, _)| *other == place).map_or("repository", |(_, name)| *name);
            let pattern = leaf.pattern();
            let field = pattern.trim_start_matches("repositories[].").to_owned();
            let value = match field.as_str() {
                "token" => Some(Value::from(self.secret(source, leaf, leaf.text.trim(), name))),
                "url" if has_credentials(&leaf.text) => Some(self.address(source, leaf, place, name)),
                "enabled" if !source.is_second && leaf.value() == false => {
                    let why = "true, as RepoSentry takes it for repositories of the main file whatever stands there; false is \
                               obeyed here";
                    self.note(source, leaf, What::Changed, why);
                    Some(Value::from(true))
                }
                "polling_interval" => {
                    let why = "it is obeyed here; RepoSentry polls all repositories at polling.interval";
                    self.note(source, leaf, What::Changed, why);
                    Some(self.value(source, leaf))
                }
                _ => match fate(&pattern) {
                    Some(Fate::Honoured(_)) => {
                        self.taken += 1;
                        Some(self.value(source, leaf))
                    }
                    Some(Fate::Refused(why)) => {
                        self.note(source, leaf, What::Dropped, why);
                        None
                    }
                    None => {
                        self.note(source, leaf, What::Dropped, "RepoSentry has no such key, and passes over it");
                        None
                    }
                },
            };
            if let Some(value) = value {
                self.repositories[place].insert(Value::from(field), value);
            }
        }
        // In the second file nobody says true for who says nothing.
        if source.is_second {
            let unsaid: Vec<usize> = (0..self.repositories.len())
                .filter(|place| !self.repositories[*place].contains_key("enabled"))
                .collect();
            for place in unsaid {
                self.repositories[place].insert(Value::from("enabled"), Value::from(false));
                let (file, key) = (source.file.clone(), format!("repositories[{place}].enabled"));
                let why =
                    "false, as RepoSentry takes it in this file where nothing stands; true, or no such key, watches it"
                        .to_owned();
                self.notes.push(Note { file, line: None, key, what: What::Added, why });
            }
        }
    }

    /// An address without what stands before its `@`, which becomes the token where there is none.
    fn address(&mut self, source: &Source, leaf: &Leaf, place: usize, name: &str) -> Value {
        let bare = Address::read(&leaf.text)
            .map_or_else(|_| without_credentials(&leaf.text).into_owned(), |bare| bare.to_string());
        let password = url::Url::parse(&leaf.text).ok().and_then(|url| {
            url.password()
                .map(str::to_owned)
                .or_else(|| Some(url.username().to_owned()).filter(|user| !user.is_empty()))
        });
        if let Some(password) = password.filter(|_| !self.repositories[place].contains_key("token")) {
            let token = self.secret(source, leaf, &password, name);
            self.repositories[place].insert(Value::from("token"), Value::from(token));
        }
        self.note(source, leaf, What::Changed, "without the credentials in it; they are the token now");
        Value::from(bare)
    }

    /// A key that nobody wrote, and why it is told of.
    fn tell(&mut self, main: &Source, key: &str, what: What, why: String) {
        self.notes.push(Note { file: main.file.clone(), line: None, key: key.to_owned(), what, why });
    }

    /// What RepoSentry does where nothing is said, and Kubestats does not.
    fn defaults(&mut self, main: &Source) {
        let says = |section: &str, key: &str| self.root.get(section).is_some_and(|section| section.get(key).is_some());
        let (has_listen, has_interval) = (says("app", "listen"), says("polling", "interval"));
        if !has_listen {
            self.put("app.listen", Value::from(format!("0.0.0.0:{PORT}")));
            let why = format!(
                "0.0.0.0:{PORT}, where RepoSentry listens if nothing is said; 127.0.0.1:{PORT} keeps it to this machine"
            );
            self.tell(main, "app.listen", What::Added, why);
        }
        if !has_interval {
            self.put("polling.interval", Value::from(INTERVAL));
            let why = format!(
                "{INTERVAL}, as RepoSentry looks if nothing is said; without it, looks come after half the age of the last commit"
            );
            self.tell(main, "polling.interval", What::Added, why);
        }
        let why = "what the first look finds is what later ones are compared with, and no event; RepoSentry tells of every \
                   branch then, as true here does";
        self.tell(main, "watching.first_look_events", What::Changed, why.to_owned());
    }

    fn finish(mut self, main: &Source) -> anyhow::Result<Converted> {
        self.defaults(main);
        if let Some(allowed) = self.allowed.take() {
            let names = allowed.into_iter().map(Value::from).collect();
            self.put("security.allowed_env_vars", Value::Sequence(names));
        }
        let repositories =
            self.repositories.into_iter().filter(|entry| !entry.is_empty()).map(Value::Mapping).collect();
        self.root.insert(Value::from("repositories"), Value::Sequence(repositories));
        let text = format!(
            "# Written by `kubestats import-reposentry` from {}.\n{}",
            Path::new(&main.file).file_name().map(|name| name.to_string_lossy()).unwrap_or_default(),
            serde_yaml::to_string(&Value::Mapping(self.root))?
        );
        self.variables.extend(self.tokens.names().map(str::to_owned));
        Ok(Converted { text, notes: self.notes, taken: self.taken, tokens: self.tokens, variables: self.variables })
    }
}

/// What becomes of a key by the table; one of a section that is refused is refused with it.
fn fate(pattern: &str) -> Option<Fate> {
    let fits = |key: &str| key == pattern || pattern.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    KEYS.iter().find(|key| fits(key.key)).map(|key| key.fate)
}

/// Sets a value at a place, with the mappings on the way to it.
fn put(mapping: &mut Mapping, path: &[&str], value: Value) {
    match path {
        [] => {}
        [key] => drop(mapping.insert(Value::from(*key), value)),
        [first, rest @ ..] => {
            if !mapping.get(*first).is_some_and(Value::is_mapping) {
                mapping.insert(Value::from(*first), Value::Mapping(Mapping::new()));
            }
            if let Some(Value::Mapping(below)) = mapping.get_mut(*first) {
                put(below, rest, value);
            }
        }
    }
}

/// `$NAME` as `${NAME}`.
fn with_braces(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        written.push_str(before);
        let length = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let is_name = length > 0 && !after.starts_with(|c: char| c.is_ascii_digit());
        if is_name {
            written.push_str(&format!("${{{}}}", &after[..length]));
            rest = &after[length..];
        } else {
            written.push('$');
            rest = after;
        }
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_get_their_braces() {
        for (text, written) in [
            ("$A_TOKEN", "${A_TOKEN}"),
            ("${A_TOKEN}", "${A_TOKEN}"),
            ("x$A-y$", "x${A}-y$"),
            ("^release/.*$", "^release/.*$"),
            ("$1", "$1"),
        ] {
            assert_eq!(with_braces(text), written, "{text}");
        }
    }
}
