//! The server's tests, in one binary: by route and verb (`api`), with a test app per database engine (`support`).

mod api;
mod support;
