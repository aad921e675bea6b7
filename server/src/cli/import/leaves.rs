//! A configuration as the list of its values, each with its key and line.

use std::path::Path;

use anyhow::Context as _;
use serde_yaml::Value;
use yaml::{Limits, Node, Tag};

/// No configuration has more values.
const MOST: usize = 100_000;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    /// `repositories[0].url`.
    pub key: String,
    /// From 1.
    pub line: u32,
    pub text: String,
    pub tag: Tag,
}

impl Leaf {
    /// The value as YAML writes it.
    pub(super) fn value(&self) -> Value {
        value(&self.text, self.tag)
    }

    /// The key as tables have it: `repositories[].url`.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        let mut parts = self.key.split('[');
        pattern.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let rest = part.split_once(']').map_or("", |(_, rest)| rest);
            pattern.push_str("[]");
            pattern.push_str(rest);
        }
        pattern
    }

    /// The place in the first list of the key.
    pub(super) fn place(&self) -> Option<usize> {
        self.key.split_once('[')?.1.split_once(']')?.0.parse().ok()
    }
}

fn value(text: &str, tag: Tag) -> Value {
    match tag {
        Tag::Int => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        Tag::Bool => Value::from(matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y")),
        _ => Value::from(text),
    }
}

/// Every value of a file, in its order. Lists of plain values are told value by value as well.
pub(super) fn leaves(path: &Path, text: &str) -> anyhow::Result<Vec<Leaf>> {
    let documents = yaml::parse(text.as_bytes(), &Limits::default())
        .map_err(|error| anyhow::anyhow!("{}", error.message))
        .with_context(|| format!("{} is no YAML", path.display()))?;
    let mut found = Vec::new();
    if let Some(document) = documents.first() {
        gather(String::new(), document.root(), &mut found);
    }
    anyhow::ensure!(found.len() < MOST, "{} has more than {MOST} values", path.display());
    Ok(found)
}

fn gather(key: String, node: Node<'_>, found: &mut Vec<Leaf>) {
    if found.len() >= MOST || node.tag() == Tag::Cycle {
        return;
    }
    if let Some(text) = node.scalar() {
        if !node.is_null() {
            found.push(Leaf { key, line: node.span().line, text: text.to_owned(), tag: node.tag() });
        }
        return;
    }
    for (place, item) in node.items().enumerate() {
        gather(format!("{key}[{place}]"), item, found);
    }
    for (name, value) in node.fields() {
        let name = name.scalar().unwrap_or_default();
        gather(if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }, value, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_with_key_line_and_kind() {
        let text =
            "app:\n  name: x\n  health_check_port: 8080\nrepositories:\n  - enabled: true\n    tags: [a, b]\n  - {}\n";
        let found = leaves(Path::new("x"), text).unwrap();
        let told: Vec<_> = found.iter().map(|leaf| (leaf.key.as_str(), leaf.line, leaf.pattern())).collect();
        assert_eq!(told[1], ("app.health_check_port", 3, "app.health_check_port".to_owned()));
        assert_eq!(told[2], ("repositories[0].enabled", 5, "repositories[].enabled".to_owned()));
        assert_eq!(told[4], ("repositories[0].tags[1]", 6, "repositories[].tags[]".to_owned()));
        assert_eq!((found[1].value(), found[2].value()), (Value::from(8080), Value::from(true)));
        assert_eq!((found[4].place(), found[0].place()), (Some(0), None));
        assert!(leaves(Path::new("x"), "a: [").is_err());
    }
}
