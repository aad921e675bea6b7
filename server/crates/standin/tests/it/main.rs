//! The stand-in forge, asked as its clients ask it.

mod faults;
mod git;
mod github;
mod others;
mod support;
