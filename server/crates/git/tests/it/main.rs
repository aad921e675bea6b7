//! The crate as its callers use it: against real repositories, a real Git server behind HTTP, and servers that mean harm.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail loudly, and a skipped test says so"
)]
mod fetching;
mod hostile;
mod reading;
mod support;
mod walking;
