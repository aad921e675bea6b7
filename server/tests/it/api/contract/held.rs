//! Answers held against schemas of a description that is not ours, field by field.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What of a schema is read here, or says nothing of a value; anything else would be passed over in silence.
const READ: &[&str] = &[
    "$ref",
    "additionalProperties",
    "anyOf",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxLength",
    "properties",
    "required",
    "title",
    "type",
];

/// What answers were held against, and what came of it.
pub struct Held<'d> {
    document: &'d Value,
    seen: BTreeSet<String>,
    /// What is not as described.
    pub wrong: Vec<String>,
}

impl<'d> Held<'d> {
    /// By the schemas of this document.
    pub fn new(document: &'d Value) -> Self {
        Self { document, seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Holds a value against a schema. All fields that are described have to be there, others may be.
    pub fn hold(&mut self, schema: &Value, value: &Value, place: &str) {
        self.seen.insert(place.to_owned());
        let words = schema.as_object().into_iter().flat_map(Map::keys);
        self.wrong.extend(
            words
                .filter(|word| !READ.contains(&word.as_str()))
                .map(|word| format!("{place}: {word} of the schema is not read")),
        );
        if let Some(target) = self.target(schema) {
            return self.hold(target, value, place);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.hold_any(choices, value, place);
        }
        match &schema["type"] {
            Value::Null => {}
            Value::String(kind) if is(kind, value) => {}
            kind => return self.wrong.push(format!("{place}: {value} is not {kind}")),
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            self.wrong.push(format!("{place}: {value} is not one of {allowed:?}"));
        }
        match value {
            Value::String(text) => self.hold_text(schema, text, place),
            Value::Array(entries) => {
                for entry in entries {
                    self.hold(&schema["items"], entry, &format!("{place}[]"));
                }
            }
            Value::Object(fields) => self.hold_fields(schema, fields, place),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn hold_any(&mut self, choices: &[Value], value: &Value, place: &str) {
        let document = self.document;
        let fits = |choice: &&Value| {
            let mut alone = Held::new(document);
            alone.hold(choice, value, place);
            alone.wrong.is_empty()
        };
        match choices.iter().find(fits) {
            Some(choice) => self.hold(choice, value, place),
            None => match choices.iter().filter(|choice| choice["type"] != "null").collect::<Vec<_>>().as_slice() {
                // It says what of it does not fit.
                [only] if !value.is_null() => self.hold(only, value, place),
                _ => self.wrong.push(format!("{place}: {value} is none of {choices:?}")),
            },
        }
    }

    fn hold_text(&mut self, schema: &Value, text: &str, place: &str) {
        let fits = match schema["format"].as_str() {
            None => true,
            Some("uuid") => text.parse::<Uuid>().is_ok_and(|id| id.to_string() == text),
            Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
            Some("email") => text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
            Some(other) => panic!("say what a text of the format {other} is"),
        };
        let most = schema["maxLength"].as_u64();
        if !fits || most.is_some_and(|most| text.chars().count() as u64 > most) {
            self.wrong.push(format!("{place}: {text:?} is not as {schema} has it"));
        }
    }

    fn hold_fields(&mut self, schema: &Value, fields: &Map<String, Value>, place: &str) {
        let described = schema["properties"].as_object();
        for (name, schema) in described.into_iter().flatten() {
            let place = format!("{place}.{name}");
            match fields.get(name) {
                Some(value) => self.hold(schema, value, &place),
                None => self.wrong.push(format!("{place} is missing")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.wrong.push(format!("{place}: {name} is required and missing"));
            }
        }
        let more = &schema["additionalProperties"];
        let others = fields.iter().filter(|(name, _)| described.is_none_or(|known| !known.contains_key(name.as_str())));
        for (_, value) in others.filter(|_| more.is_object()) {
            self.hold(more, value, &format!("{place}.*"));
        }
    }

    /// The schema of one wrong part of a request. Its `ctx` is there with some kinds of errors alone, of which we have none.
    pub fn refusal(&self) -> Value {
        let mut schema = self.document["components"]["schemas"]["ValidationError"].clone();
        schema["properties"].as_object_mut().unwrap().remove("ctx");
        schema
    }

    /// Places that a schema describes and no answer had: an entry of a list that was always empty, a field of what was always
    /// null. Nothing was said of them.
    pub fn unseen(&self, schema: &Value, place: &str) -> Vec<String> {
        let mut all = BTreeSet::new();
        self.places(schema, place, &mut all);
        all.difference(&self.seen).cloned().collect()
    }

    fn places(&self, schema: &Value, place: &str, all: &mut BTreeSet<String>) {
        if let Some(target) = self.target(schema) {
            return self.places(target, place, all);
        }
        all.insert(place.to_owned());
        for choice in schema["anyOf"].as_array().into_iter().flatten() {
            self.places(choice, place, all);
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.places(field, &format!("{place}.{name}"), all);
        }
        for (entries, end) in [("items", "[]"), ("additionalProperties", ".*")] {
            // Of some entries nothing is said.
            if schema[entries].as_object().is_some_and(|entry| !entry.is_empty()) {
                self.places(&schema[entries], &format!("{place}{end}"), all);
            }
        }
    }

    fn target(&self, schema: &Value) -> Option<&'d Value> {
        let name = schema["$ref"].as_str()?;
        let found = self.document.pointer(name.trim_start_matches('#'));
        Some(found.unwrap_or_else(|| panic!("{name} is not described")))
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        // Numbers of forges have 64 bits.
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("say what {other} is"),
    }
}

#[test]
fn what_is_not_as_described_is_found() {
    let document = serde_json::json!({ "components": { "schemas": { "One": {
        "type": "object", "required": ["id"], "properties": {
            "id": { "type": "string", "format": "uuid" },
            "at": { "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }] },
            "many": { "type": "array", "items": { "type": "integer" } },
            "by": { "type": "object", "additionalProperties": { "type": "integer" } },
            "word": { "type": "string", "enum": ["a", "b"], "maxLength": 1 },
        },
    } } } });
    let schema = serde_json::json!({ "$ref": "#/components/schemas/One" });
    let good = serde_json::json!({
        "id": Uuid::nil(), "at": "2026-01-02T03:04:05Z", "many": [1], "by": { "x": 2 }, "word": "a", "more": true,
    });
    let mut held = Held::new(&document);
    held.hold(&schema, &good, "$");
    assert_eq!((held.wrong.as_slice(), held.unseen(&schema, "$").as_slice()), (&[] as &[String], &[] as &[String]));
    for (field, bad, place) in [
        ("id", serde_json::json!("1"), "$.id"),
        ("at", serde_json::json!("2026-01-02T03:04:05"), "$.at"),
        ("many", serde_json::json!([1, "2"]), "$.many[]"),
        ("by", serde_json::json!({ "x": 0.5 }), "$.by.*"),
        ("word", serde_json::json!("c"), "$.word"),
        ("word", Value::Null, "$.word"),
    ] {
        let mut answer = good.clone();
        answer[field] = bad;
        let mut held = Held::new(&document);
        held.hold(&schema, &answer, "$");
        assert!(held.wrong.len() == 1 && held.wrong[0].starts_with(place), "{field}: {:?}", held.wrong);
    }
    let mut held = Held::new(&document);
    held.hold(&schema, &serde_json::json!({ "id": Uuid::nil(), "at": null, "many": [], "by": {} }), "$");
    assert_eq!(held.wrong, ["$.word is missing"]);
    assert_eq!(held.unseen(&schema, "$"), ["$.by.*", "$.many[]", "$.word"]);
}
