//! `POST /graphql`: runs queries over our part of GitHub's schema; a field we do not have is an error, as at GitHub.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use graphql_parser::Pos;
use graphql_parser::query::{
    Definition, Directive, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, TypeCondition,
    parse_query,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::forge::{Forge, Kind, lock};
use crate::gate::{self, Caller, Cost};

use super::fields::{Answer, Node, Scope};
use super::problem::Problem;
use super::value::{literal, merge};

/// Selections nested deeper than this are refused; GitHub's own bound is 25 levels of connections.
const DEEPEST: usize = 25;

/// A request's body.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "operationName")]
    operation: Option<String>,
}

pub(super) async fn answer(
    State(forge): State<Arc<Forge>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Asked>, axum::extract::rejection::JsonRejection>,
) -> Response {
    if caller.token().is_none() {
        let page = "https://docs.github.com/graphql/guides/forming-calls-with-graphql#authenticating-with-graphql";
        return gate::said(StatusCode::UNAUTHORIZED, "This endpoint requires you to be authenticated.", page);
    }
    let Ok(Json(asked)) = body else {
        return gate::said(StatusCode::BAD_REQUEST, "Problems parsing JSON", "https://docs.github.com/graphql");
    };
    let (before, enough) = lock(&forge.budgets).take(&forge.options.limits, caller.token(), "graphql", 1);
    if !enough {
        lock(&forge.record).counters.limited += 1;
        return gate::limited(&forge, caller.token(), "graphql");
    }
    let world = forge.world();
    let scope = Scope { forge: &forge, world: &world, caller, budget: before };
    let (body, cost) = run(&scope, &asked);
    let (budget, _) = lock(&forge.budgets).take(&forge.options.limits, caller.token(), "graphql", cost - 1);
    lock(&forge.record).spend("graphql", cost);
    let mut response = Json(body).into_response();
    response.extensions_mut().insert(Cost(cost));
    gate::quota(&mut response, Kind::GitHub, "graphql", &budget);
    response
}

/// Runs a request; its answer, and its cost in points.
fn run(scope: &Scope<'_>, asked: &Asked) -> (Value, u64) {
    let document = match parse_query::<String>(&asked.query) {
        Ok(document) => document,
        Err(error) => return (json!({"errors": [{"message": format!("Parse error: {error}")}]}), 1),
    };
    let mut fragments = HashMap::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                fragments.insert(fragment.name.as_str(), fragment);
            }
            Definition::Operation(operation) => operations.push(operation),
        }
    }
    let chosen = operations.iter().find(|operation| match (&asked.operation, operation) {
        (Some(wanted), OperationDefinition::Query(query)) => query.name.as_ref() == Some(wanted),
        (wanted, _) => wanted.is_none(),
    });
    let mut variables = asked.variables.clone().unwrap_or_default();
    let selection = match chosen {
        Some(OperationDefinition::SelectionSet(selection)) => selection,
        Some(OperationDefinition::Query(query)) => {
            for definition in &query.variable_definitions {
                if let Some(default) = &definition.default_value {
                    let default = literal(default, &Map::new());
                    variables.entry(definition.name.clone()).or_insert(default);
                }
                let missing = variables.get(&definition.name).is_none_or(Value::is_null);
                if missing && definition.var_type.to_string().ends_with('!') {
                    let message = format!(
                        "Variable ${} of type {} was provided invalid value",
                        definition.name, definition.var_type
                    );
                    return (json!({"errors": [Problem::invalid(message, definition.position).told()]}), 1);
                }
            }
            &query.selection_set
        }
        _ => return (json!({"errors": [{"message": "The stand-in answers queries only."}]}), 1),
    };
    let mut run = Run { scope, variables, fragments, problems: Vec::new(), connections: 0 };
    match run.object(&Node::Query, "Query", &[selection], &mut Vec::new()) {
        Ok(mut data) => {
            let cost = run.cost();
            // Only now is known what the query costs.
            if let Some(limit) = Run::rate_limit_keys(selection) {
                limit.iter().for_each(|(object, field)| amend(&mut data, object, field, scope, cost));
            }
            let mut body = json!({ "data": data });
            if !run.problems.is_empty() {
                body["errors"] = run.problems.iter().map(Problem::told).collect();
            }
            (body, cost)
        }
        Err(problem) => (json!({"errors": [problem.told()]}), 1),
    }
}

/// Writes the true cost, and what remains after it, where `rateLimit { cost remaining used }` was asked.
fn amend(data: &mut Value, object: &str, field: &(String, String), scope: &Scope<'_>, cost: u64) {
    let used = scope.budget.used + cost - 1;
    let value = match field.1.as_str() {
        "cost" => cost,
        "used" => used,
        "remaining" => scope.budget.limit.saturating_sub(used),
        _ => return,
    };
    data[object][field.0.as_str()] = json!(value);
}

type Fragments<'q> = HashMap<&'q str, &'q FragmentDefinition<'q, String>>;

/// One run of one operation.
struct Run<'q, 's> {
    scope: &'s Scope<'s>,
    variables: Map<String, Value>,
    fragments: Fragments<'q>,
    problems: Vec<Problem>,
    connections: u64,
}

impl<'q> Run<'q, '_> {
    /// GitHub's formula: one request for each connection of each parent, a hundred of them a point.
    fn cost(&self) -> u64 {
        ((self.connections + 50) / 100).max(1)
    }

    /// Under which keys `rateLimit`'s fields were asked at the top.
    fn rate_limit_keys(selection: &SelectionSet<'q, String>) -> Option<Vec<(String, (String, String))>> {
        let mut keys = Vec::new();
        for item in &selection.items {
            if let Selection::Field(field) = item
                && field.name == "rateLimit"
            {
                for inner in &field.selection_set.items {
                    if let Selection::Field(inner) = inner {
                        keys.push((key(field).to_owned(), (key(inner).to_owned(), inner.name.clone())));
                    }
                }
            }
        }
        (!keys.is_empty()).then_some(keys)
    }

    /// The fields that apply to a thing, those under the same key together.
    fn object(
        &mut self,
        node: &Node<'_>,
        seen_as: &str,
        selections: &[&SelectionSet<'q, String>],
        path: &mut Vec<Value>,
    ) -> Result<Value, Problem> {
        if path.len() > DEEPEST * 2 {
            return Err(Problem::invalid("The query is nested too deeply.", Pos { line: 1, column: 1 }));
        }
        let mut answer = Map::new();
        for selection in selections {
            self.select(node, seen_as, selection, path, &mut answer, 0)?;
        }
        Ok(Value::Object(answer))
    }

    fn select(
        &mut self,
        node: &Node<'_>,
        seen_as: &str,
        selection: &SelectionSet<'q, String>,
        path: &mut Vec<Value>,
        answer: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Problem> {
        for item in &selection.items {
            match item {
                Selection::Field(field) => {
                    if !self.wanted(&field.directives) {
                        continue;
                    }
                    path.push(json!(key(field)));
                    let value = self.field(node, seen_as, field, path)?;
                    path.pop();
                    merge(answer, key(field), value);
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref().map(|TypeCondition::On(name)| name.as_str());
                    if self.wanted(&fragment.directives) && condition.is_none_or(|name| node.is(name)) {
                        let seen_as = condition.unwrap_or(seen_as).to_owned();
                        self.select(node, &seen_as, &fragment.selection_set, path, answer, depth + 1)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()).copied() else {
                        let message = format!("Fragment {} was used, but not defined", spread.fragment_name);
                        return Err(Problem::invalid(message, spread.position));
                    };
                    if depth > DEEPEST {
                        return Err(Problem::invalid("Fragments go round in a circle.", spread.position));
                    }
                    let TypeCondition::On(name) = &fragment.type_condition;
                    if self.wanted(&spread.directives) && node.is(name) {
                        self.select(node, name, &fragment.selection_set, path, answer, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        node: &Node<'_>,
        seen_as: &str,
        field: &Field<'q, String>,
        path: &mut Vec<Value>,
    ) -> Result<Value, Problem> {
        if field.name == "__typename" {
            return Ok(json!(node.type_name()));
        }
        let arguments: Map<String, Value> =
            field.arguments.iter().map(|(name, value)| (name.clone(), literal(value, &self.variables))).collect();
        let answer =
            self.scope.resolve(node, seen_as, &field.name, &arguments, field.position).map_err(|mut problem| {
                problem.path = std::iter::once(json!("query")).chain(path.iter().cloned()).collect();
                problem
            })?;
        let leaf = matches!(answer, Answer::Value(_));
        let asks = !field.selection_set.items.is_empty();
        if leaf && asks {
            let message = format!("Selections can't be made on scalars (field '{}')", field.name);
            return Err(Problem::invalid(message, field.position));
        }
        if !leaf && !asks && !matches!(answer, Answer::Null) {
            let message = format!(
                "Field must have selections (field '{}' returns an object but has no selections. Did you mean '{} {{ ... }}'?)",
                field.name, field.name
            );
            return Err(Problem::invalid(message, field.position));
        }
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Null => Ok(Value::Null),
            Answer::Missing(message) => {
                self.missing(message, field.position, path.clone());
                Ok(Value::Null)
            }
            Answer::One(inner, seen_as) => {
                self.connections += u64::from(inner.type_name().ends_with("Connection"));
                self.object(&inner, seen_as, &[&field.selection_set], path)
            }
            Answer::Many(list, seen_as) => {
                let mut values = Vec::with_capacity(list.len());
                for (place, one) in list.into_iter().enumerate() {
                    path.push(json!(place));
                    values.push(match one {
                        Ok(inner) => self.object(&inner, seen_as, &[&field.selection_set], path)?,
                        Err(message) => {
                            self.missing(message, field.position, path.clone());
                            Value::Null
                        }
                    });
                    path.pop();
                }
                Ok(Value::Array(values))
            }
        }
    }

    fn missing(&mut self, message: String, at: Pos, path: Vec<Value>) {
        self.problems.push(Problem { kind: Some("NOT_FOUND"), message, at, path });
    }

    /// `@include(if:)` and `@skip(if:)`.
    fn wanted(&self, directives: &[Directive<'_, String>]) -> bool {
        directives.iter().all(|directive| {
            let told = directive.arguments.iter().find(|(name, _)| name == "if");
            let holds = told.is_none_or(|(_, value)| literal(value, &self.variables) == Value::Bool(true));
            match directive.name.as_str() {
                "include" => holds,
                "skip" => !holds,
                _ => true,
            }
        })
    }
}

fn key<'f>(field: &'f Field<'_, String>) -> &'f str {
    field.alias.as_ref().unwrap_or(&field.name)
}
