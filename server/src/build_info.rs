//! What this program was built from. `make release` says it; other builds don't know.

/// As releases are numbered.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from.
pub const GIT_COMMIT: &str = or_unknown(option_env!("KUBESTATS_GIT_COMMIT"));

/// When that commit was made, so that two builds of it are the same.
pub const BUILD_TIME: &str = or_unknown(option_env!("KUBESTATS_BUILD_TIME"));

const fn or_unknown(told: Option<&'static str>) -> &'static str {
    match told {
        Some(told) if !told.is_empty() => told,
        _ => "unknown",
    }
}
