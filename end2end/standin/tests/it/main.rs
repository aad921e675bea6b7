//! The stand-in forge, asked as its clients ask it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails best where it stands")]

mod branches;
mod compare;
mod faults;
mod git;
mod github;
mod oauth;
mod objects;
mod others;
mod schemas;
mod support;
