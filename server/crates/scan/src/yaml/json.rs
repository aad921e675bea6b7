use serde_json::{Map, Number, Value};

use super::tree::Kind;
use super::{Node, Tag};

impl Node<'_> {
    /// The node as Kubernetes reads it: YAML 1.1 scalars as JSON, merge keys applied, the last duplicate key wins.
    /// Dates, numbers to base 60 and what JSON cannot say (infinity, cycles) stay text or become null. Secrets are masked.
    #[must_use]
    pub fn to_json(self) -> Value {
        match self.kind() {
            Kind::Scalar if self.is_hidden() => Value::from(self.shown()),
            Kind::Scalar => self.scalar_to_json(),
            Kind::Sequence => Value::Array(self.items().map(Node::to_json).collect()),
            Kind::Mapping => {
                let mut map = Map::new();
                self.collect_entries(&mut map, 0);
                Value::Object(map)
            }
        }
    }

    /// Explicit keys first, then those that merges add.
    fn collect_entries(self, map: &mut Map<String, Value>, depth: usize) {
        let mut merges = false;
        let mut own = Map::new();
        for (key, value) in self.entries() {
            if key.tag() == Tag::Merge {
                merges = true;
            } else {
                own.insert(key.json_key(), value.to_json());
            }
        }
        for (key, value) in own {
            map.entry(key).or_insert(value);
        }
        if merges && depth < 8 {
            for source in self.merged() {
                source.collect_entries(map, depth + 1);
            }
        }
    }

    fn json_key(self) -> String {
        match self.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    fn scalar_to_json(self) -> Value {
        let text = self.scalar().unwrap_or_default();
        match self.tag() {
            Tag::Null | Tag::Cycle => Value::Null,
            Tag::Bool => Value::Bool(matches!(text.as_bytes().first(), Some(b'y' | b'Y' | b't' | b'T')) || is_on(text)),
            Tag::Int => int(text).map_or_else(|| Value::from(text), Value::Number),
            Tag::Float => float(text).map_or_else(|| Value::from(text), Value::Number),
            _ => Value::from(text),
        }
    }
}

fn is_on(text: &str) -> bool {
    text.eq_ignore_ascii_case("on")
}

fn int(text: &str) -> Option<Number> {
    let text: String = text.chars().filter(|&c| c != '_').collect();
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text.as_str()),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', b'x', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    i64::try_from(value).map(Number::from).ok().or_else(|| u64::try_from(value).map(Number::from).ok())
}

fn float(text: &str) -> Option<Number> {
    let text: String = text.chars().filter(|&c| c != '_').collect();
    Number::from_f64(text.parse().ok()?)
}
