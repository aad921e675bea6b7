//! Signing in elsewhere, over real sockets: at a real OpenID Connect issuer, at one that does everything wrong, and at a
//! stand-in for GitHub.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a skipped check must be seen, and a test that cannot go on fails best where it stands"
)]

mod github;
mod hostile;
mod issuer;
mod real;
mod support;
