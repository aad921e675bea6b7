//! Values of GraphQL: out of the query, and put together for the answer.

use graphql_parser::query::Value as Literal;
use serde_json::{Map, Value, json};

/// The same key asked twice, by fragments say, is one object with the fields of both.
pub(super) fn merge(answer: &mut Map<String, Value>, key: &str, value: Value) {
    match (answer.get_mut(key), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(key, value)| merge(known, &key, value));
        }
        (Some(Value::Array(known)), Value::Array(more)) if known.len() == more.len() => {
            for (known, more) in known.iter_mut().zip(more) {
                match (known, more) {
                    (Value::Object(known), Value::Object(more)) => {
                        more.into_iter().for_each(|(key, value)| merge(known, &key, value));
                    }
                    (known, more) => *known = more,
                }
            }
        }
        (_, value) => {
            answer.insert(key.to_owned(), value);
        }
    }
}

/// A value of the query with its variables filled in.
pub(super) fn literal(value: &Literal<'_, String>, variables: &Map<String, Value>) -> Value {
    match value {
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        Literal::Int(number) => json!(number.as_i64()),
        Literal::Float(number) => json!(number),
        Literal::String(text) | Literal::Enum(text) => json!(text),
        Literal::Boolean(flag) => json!(flag),
        Literal::Null => Value::Null,
        Literal::List(list) => list.iter().map(|one| literal(one, variables)).collect(),
        Literal::Object(map) => map.iter().map(|(key, one)| (key.clone(), literal(one, variables))).collect(),
    }
}
