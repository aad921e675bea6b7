use entity::kind::ProblemClass;

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
    pub(super) fn new(class: ProblemClass, message: impl Into<String>, line: u32, column: u32) -> Self {
        Self { class, message: message.into(), line: Some(line), column: Some(column) }
    }
}
