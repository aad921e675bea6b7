//! The REST API: its errors, its parameters, its description, its versions.

mod docs;
pub mod extract;
pub mod needs;
pub mod openapi;
pub mod problem;
pub mod problem_body;
#[allow(unused_qualifications, reason = "the macros of utoipa may write whole paths")]
pub mod reposentry;
#[expect(unused_qualifications, reason = "the macros of utoipa write whole paths")]
pub mod v1;
