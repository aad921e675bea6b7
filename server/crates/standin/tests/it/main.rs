//! The stand-in forge, asked as its clients ask it.

mod git;
mod github;
mod support;
