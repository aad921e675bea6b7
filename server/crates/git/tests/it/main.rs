//! The crate as its callers use it: against real repositories, a real Git server behind HTTP, and servers that mean harm.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod branches;
mod fetching;
mod hostile;
mod packs;
mod reading;
mod revisions;
mod support;
mod walking;
