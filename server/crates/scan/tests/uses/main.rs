//! What trees use, against what an independent program found, and from commit to commit against the whole.
#![expect(clippy::print_stderr, reason = "a skipped check must be seen, and a long one says how long it took")]

mod charts;
mod corpus;
mod history;
mod hostile;
mod merged;
mod refers;
mod repository;
mod spans;
mod texts;
mod variables;
