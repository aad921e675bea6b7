//! The handle that every other crate holds instead of naming the database library.
