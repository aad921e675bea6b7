use entity::kind::ProblemClass;

use crate::token::Mark;

/// Why a file has no documents. One error speaks for the whole file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// What kind of trouble it is.
    pub class: ProblemClass,
    /// What was expected and what stood there.
    pub message: String,
    /// Line from 1, where one is known.
    pub line: Option<u32>,
    /// Column from 1, in characters.
    pub column: Option<u32>,
}

impl YamlError {
    pub(crate) fn new(class: ProblemClass, message: impl Into<String>, line: u32, column: u32) -> Self {
        Self { class, message: message.into(), line: Some(line), column: Some(column) }
    }
}

/// An error of scanner or parser: what was being read, what is wrong with it, and where.
#[cold]
pub(crate) fn problem(text: &str, context: &str, what: &str, mark: Mark) -> YamlError {
    let class = if what.contains("tab") {
        ProblemClass::Tab
    } else if what.contains("anchor") || what.contains("alias") {
        ProblemClass::Anchor
    } else {
        ProblemClass::Syntax
    };
    let message = if context.is_empty() { what.to_owned() } else { format!("{context}: {what}") };
    let before = text.get(..mark.pos as usize).unwrap_or_default();
    let line = &before[before.rfind(['\n', '\r']).map_or(0, |at| at + 1)..];
    // The end of a text counts as a line of its own.
    let seen = before.bytes().filter(|&byte| byte == b'\n').count() as u32 + 1;
    let column = if mark.line > seen { 1 } else { u32::try_from(line.chars().count()).unwrap_or(u32::MAX) + 1 };
    YamlError { class, message, line: Some(mark.line), column: Some(column) }
}
