//! What is wrong with a query.

use graphql_parser::Pos;
use serde_json::{Value, json};

/// Why a query, or a part of it, has no answer.
#[derive(Debug)]
pub(super) struct Problem {
    /// GitHub's `type`, for what goes wrong while running; none for a query that does not fit the schema.
    pub(super) kind: Option<&'static str>,
    pub(super) message: String,
    pub(super) at: Pos,
    pub(super) path: Vec<Value>,
}

impl Problem {
    pub(super) fn invalid(message: impl Into<String>, at: Pos) -> Self {
        Self { kind: None, message: message.into(), at, path: Vec::new() }
    }

    pub(super) fn told(&self) -> Value {
        let mut told = json!({
            "path": self.path,
            "locations": [{"line": self.at.line, "column": self.at.column}],
            "message": self.message,
        });
        if let Some(kind) = self.kind {
            told["type"] = json!(kind);
        }
        told
    }
}
