//! Operations of the v1 API: who may ask for them as the contract marks it, and what they answer.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Value, json};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Public,
    User,
    Superuser,
}

/// One operation.
#[derive(Debug)]
pub struct Operation<'d> {
    /// Such as `GET /api/v1/me`.
    pub name: String,
    pub verb: Method,
    pub path: &'d str,
    pub mark: Mark,
    /// What the description says of it.
    pub described: &'d Value,
    /// The schema of its answer.
    pub answer: Value,
}

/// All operations of the description, each with its mark in the contract's text; neither has one that the other lacks.
pub fn operations<'d>(document: &'d Value, contract: &str) -> Vec<Operation<'d>> {
    let (mut marks, mut answers) = (marks(contract), undescribed());
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, described) in item.as_object().unwrap() {
            let name = format!("{} {path}", verb.to_uppercase());
            let mark = marks.remove(&without_names(&name)).unwrap_or_else(|| panic!("{name} has no mark"));
            let asks_in = !described["security"].is_null();
            assert_eq!(asks_in, mark != Mark::Public, "{name}: the description and the mark {mark:?} differ");
            let told = &described["responses"]["200"]["content"]["application/json"]["schema"];
            let is_told = ["$ref", "items", "properties"].iter().any(|word| !told[*word].is_null());
            let answer = match (is_told, answers.remove(name.as_str())) {
                (true, None) => told.clone(),
                (false, Some(known)) => known,
                (true, Some(_)) => panic!("{name} is described: what is said of it here is out of date"),
                (false, None) => panic!("{name}: say what its answer has"),
            };
            let verb = Method::from_bytes(verb.to_uppercase().as_bytes()).unwrap();
            operations.push(Operation { name, verb, path, mark, described, answer });
        }
    }
    assert!(marks.is_empty(), "marked, and not described: {marks:?}");
    assert!(answers.is_empty(), "there are no such operations: {answers:?}");
    operations
}

/// Answers that the description leaves undescribed, as the contract's text has them.
pub fn undescribed() -> BTreeMap<&'static str, Value> {
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let (moment, id) =
        (json!({ "type": "string", "format": "date-time" }), json!({ "type": "string", "format": "uuid" }));
    let numbers = json!({ "type": "object", "additionalProperties": number });
    let maybe = |schema: &Value| json!({ "anyOf": [schema, { "type": "null" }] });
    let object = |fields: Value| json!({ "type": "object", "properties": fields });
    let list = |entry: Value| json!({ "type": "array", "items": entry });
    let run = object(json!({
        "repository_name": text, "repository_full_name": text, "event_count": number, "started_at": moment,
        "completed_at": moment, "duration_milliseconds": number,
    }));
    let stats = object(json!({
        "table_counts": object(json!({
            "repositories": number, "repository_metrics": number, "kubernetes_resources": number,
            "kubernetes_resource_events": number,
        })),
        "recent_stats": object(json!({ "new_repositories_last_7_days": number, "resource_changes_last_7_days": number })),
        "sync_run_stats": object(json!({
            "total_sync_runs": number, "recent_sync_runs": list(run), "event_type_breakdown": numbers,
        })),
        "total_records": number,
    }));
    let recent = object(json!({
        "repository_id": id, "name": text, "full_name": text, "owner": text, "description": maybe(&text),
        "total_events": number, "last_activity": moment, "event_breakdown": numbers,
    }));
    let recent = json!({ "recent_active_repositories": list(recent), "period_days": number, "cutoff_date": moment });
    let metrics = list(json!({ "$ref": "#/components/schemas/RepositoryMetricsPublic" }));
    let asked = json!({ "status": text, "message": text, "task_id": text, "target_date": maybe(&text) });
    let health = json!({ "timestamp": moment, "redis_status": text, "database_status": text, "status": text });
    BTreeMap::from([
        ("GET /api/v1/admin/database-stats", stats),
        ("GET /api/v1/repositories/recent", object(recent)),
        ("GET /api/v1/repositories/{repository_id}/metrics", object(json!({ "data": metrics, "count": number }))),
        ("POST /api/v1/ecosystem/trigger-aggregation", object(asked)),
        ("GET /health", object(health)),
    ])
}

/// Marks of the contract's table, by verb and path.
fn marks(contract: &str) -> BTreeMap<String, Mark> {
    let mut marks = BTreeMap::new();
    for line in contract.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, verb @ ("GET" | "POST" | "DELETE"), places, mark @ ("P" | "U" | "A"), ..] = cells.as_slice() else {
            continue;
        };
        let mark = match *mark {
            "P" => Mark::Public,
            "U" => Mark::User,
            _ => Mark::Superuser,
        };
        let prefix = if places.contains("(no prefix)") { "" } else { "/api/v1" };
        let mut first = "";
        for place in places.split(", ") {
            // What stands in brackets is for people; what follows the first place ends otherwise.
            let place = place.split_whitespace().next().unwrap();
            let path = match first.rsplit_once('/') {
                None => place.to_owned(),
                Some((before, _)) => format!("{before}{place}"),
            };
            first = if first.is_empty() { place } else { first };
            marks.insert(without_names(&format!("{verb} {prefix}{path}")), mark);
        }
    }
    marks
}

/// What a part of a path is called differs.
fn without_names(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}
