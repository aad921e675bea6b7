//! Checks every answer of the API against the API's own description.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use chrono::DateTime;
use serde_json::{Value, json};
use server::web::api::{openapi, problem::PROBLEM_JSON};
use uuid::Uuid;

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(openapi::document()).unwrap());

/// Fails the test where the answer is not one that the description names, or its body is not as described.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    if answer.header("content-type") == PROBLEM_JSON && method != Method::HEAD {
        check_problem(answer);
    }
    let Some(operation) = operation(method, path) else { return };
    // Every read may answer so; it is said in the description's head.
    if answer.status == StatusCode::NOT_MODIFIED {
        return;
    }
    let response = &operation["responses"][answer.status.as_str()];
    assert!(!response.is_null(), "{method} {path}: {} is not described: {}", answer.status, answer.text());
    // What has no body has nothing to describe.
    if answer.status == StatusCode::NO_CONTENT {
        assert!(answer.body.is_empty(), "{method} {path}: a body where none is said to be");
        return;
    }
    let content = response["content"].as_object().unwrap_or_else(|| panic!("{method} {path}: no content described"));
    let kind = answer.header("content-type").split(';').next().unwrap_or_default();
    let described =
        content.get(kind).unwrap_or_else(|| panic!("{method} {path}: answers {kind:?}, described: {content:?}"));
    if kind.ends_with("json") {
        let mut errors = Vec::new();
        validate(&described["schema"], &answer.json(), "$", false, &mut errors);
        assert!(errors.is_empty(), "{method} {path} is not as described:\n{}", errors.join("\n"));
    }
}

/// What every problem tells, whoever made it: the request's id, and the same once more as an envelope.
fn check_problem(answer: &Answer) {
    let (told, id) = (answer.json(), answer.header("x-request-id"));
    let code = match answer.status.as_u16() {
        400 | 422 => "INVALID_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        408 => "REQUEST_TIMEOUT",
        409 => "CONFLICT",
        410 => "GONE",
        413 => "PAYLOAD_TOO_LARGE",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        421 => "MISDIRECTED_REQUEST",
        429 => "RATE_LIMIT_EXCEEDED",
        500 => "INTERNAL_ERROR",
        503 => "SERVICE_UNAVAILABLE",
        other => panic!("say which code {other} has: {told}"),
    };
    assert_eq!(told["error"], json!({ "code": code, "message": told["detail"], "details": told["errors"] }), "{told}");
    assert_eq!((&told["request_id"], &told["status"]), (&json!(id), &json!(answer.status.as_u16())), "{told}");
    assert_eq!(told["instance"], format!("urn:uuid:{id}"), "{told}");
}

/// Every operation of the description: its verb, its path, and what is said of it.
pub fn operations() -> impl Iterator<Item = (Method, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(verb, said)| (verb.to_uppercase().parse::<Method>().unwrap(), path.as_str(), said))
    })
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &str| {
        let (mut want, mut have) = (template.split('/'), path.split('/'));
        loop {
            match (want.next(), have.next()) {
                (None, None) => return true,
                (Some(want), Some(have)) if want == have || (want.starts_with('{') && !have.is_empty()) => {}
                _ => return false,
            }
        }
    };
    // A path without placeholders goes before one with.
    let mut fitting: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    fitting.sort_by_key(|(template, _)| template.matches('{').count());
    fitting.first().map(|(_, item)| &item[method.as_str().to_lowercase()]).filter(|operation| !operation.is_null())
}

/// What is wrong with a value by a schema of the description.
pub fn errors_of(schema: &Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    validate(schema, value, "$", false, &mut errors);
    errors
}

/// `part`: whether the schema tells only some of the fields, as each part of an `allOf` does.
fn validate(schema: &Value, value: &Value, place: &str, part: bool, errors: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = DOCUMENT.pointer(reference.trim_start_matches('#'));
        return match target {
            Some(target) => validate(target, value, place, part, errors),
            None => errors.push(format!("{place}: {reference} is not described")),
        };
    }
    for schema in schema["allOf"].as_array().into_iter().flatten() {
        validate(schema, value, place, true, errors);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(options) = schema[choice].as_array() {
            let fits = options.iter().any(|option| {
                let mut wrong = Vec::new();
                validate(option, value, place, part, &mut wrong);
                wrong.is_empty()
            });
            if !fits {
                errors.push(format!("{place}: {value} fits none of {choice}"));
            }
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        errors.push(format!("{place}: {value} is not {types:?}"));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        errors.push(format!("{place}: {value} is not one of {allowed:?}"));
    }
    match value {
        Value::String(text) => {
            let well = match schema["format"].as_str() {
                Some("uuid") => text.parse::<Uuid>().is_ok(),
                Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
                _ => true,
            };
            if !well {
                errors.push(format!("{place}: {text:?} is no {}", schema["format"]));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                validate(&schema["items"], item, &format!("{place}[{index}]"), false, errors);
            }
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    errors.push(format!("{place}: {name} is missing"));
                }
            }
            let described = schema["properties"].as_object();
            for (name, field) in fields {
                let place = format!("{place}.{name}");
                match described.and_then(|described| described.get(name)) {
                    Some(schema) => validate(schema, field, &place, false, errors),
                    None if schema["additionalProperties"].is_object() => {
                        validate(&schema["additionalProperties"], field, &place, false, errors);
                    }
                    None if described.is_some() && !part => {
                        errors.push(format!("{place} is not described"));
                    }
                    None => {}
                }
            }
        }
        Value::Number(number) => {
            let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
            let within =
                |number: f64| least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
            if !number.as_f64().is_some_and(within) {
                errors.push(format!("{place}: {number} is not from {least:?} to {most:?}"));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
