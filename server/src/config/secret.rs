use std::cell::Cell;

use serde::{Serialize, Serializer};

/// A string that is never printed or logged, and serialised by [`with_secrets`] alone: tokens and passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value read from the configuration.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What stands in place of a secret wherever configuration is shown.
pub const MASKED: &str = "***MASKED***";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASKED)
    }
}

thread_local! {
    /// Whether this thread is at writing what its operator asked to see.
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs what serialises a configuration with its secrets, for the one command that is asked for them.
pub fn with_secrets<T>(serialise: impl FnOnce() -> T) -> T {
    /// Masks again, whatever happens.
    struct Masks;
    impl Drop for Masks {
        fn drop(&mut self) {
            SHOWN.set(false);
        }
    }
    SHOWN.set(true);
    let _masks = Masks;
    serialise()
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if SHOWN.get() { &self.0 } else { MASKED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_where_somebody_asks_for_them_and_nowhere_else() {
        let secret = Secret::new("abc".to_owned());
        let written = || serde_json::to_string(&secret).unwrap();
        assert_eq!(written(), format!("{MASKED:?}"));
        assert_eq!(with_secrets(written), "\"abc\"");
        let failed = std::panic::catch_unwind(|| with_secrets(|| panic!("in the middle")));
        assert!(failed.is_err() && written() == format!("{MASKED:?}"));
        assert_eq!(format!("{secret:?}"), MASKED);
    }
}
