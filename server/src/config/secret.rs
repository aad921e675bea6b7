use std::cell::Cell;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::reader::Section;

/// A string that is never printed or logged, and written by [`with_secrets`] alone: tokens and passwords.
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

/// Reads a token or another secret, which `check` holds against what it is for.
pub(super) fn read_secret(
    section: &Section<'_>,
    name: &'static str,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Option<Secret> {
    // Other programs put `$NAME` in place as well; here it would be sent as it stands.
    let names_variable = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_bare = section.written(name).and_then(|text| text.trim().strip_prefix('$')).is_some_and(names_variable);
    section.value(name, |text| match text.trim() {
        "" => Err("is empty".to_owned()),
        // What follows is not said again: it may be a token after all.
        _ if is_bare => Err("begins with $, which puts no variable in place; write ${NAME}".to_owned()),
        text => check(text).map(|()| Secret::new(text.to_owned())),
    })
}

/// What stands in place of a secret wherever configuration is shown.
pub const MASKED: &str = "***MASKED***";

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASKED)
    }
}

/// What stands in the place of a secret that is serialised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Masked,
    /// Something that differs where secrets do.
    Apart,
    /// The secret itself.
    Plain,
}

thread_local! {
    static SHOWN: Cell<Shown> = const { Cell::new(Shown::Masked) };
}

/// Nobody outside this process can try secrets against what stands in their place.
static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let random = [Uuid::now_v7(), Uuid::now_v7()];
    *blake3::hash(random.map(Uuid::into_bytes).as_flattened()).as_bytes()
});

/// Runs what serialises a configuration with its secrets, for the one command that is asked for them.
pub fn with_secrets<T>(serialise: impl FnOnce() -> T) -> T {
    show(Shown::Plain, serialise)
}

/// Serialises something such that different secrets differ: to compare two configurations.
pub(super) fn told_apart<T>(serialise: impl FnOnce() -> T) -> T {
    show(Shown::Apart, serialise)
}

fn show<T>(shown: Shown, serialise: impl FnOnce() -> T) -> T {
    /// Masks again, whatever happens.
    struct Masks;
    impl Drop for Masks {
        fn drop(&mut self) {
            SHOWN.set(Shown::Masked);
        }
    }
    SHOWN.set(shown);
    let _masks = Masks;
    serialise()
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match SHOWN.get() {
            Shown::Masked => serializer.serialize_str(MASKED),
            Shown::Apart => {
                serializer.collect_str(&format_args!("{MASKED} {}", blake3::keyed_hash(&KEY, self.0.as_bytes())))
            }
            Shown::Plain => serializer.serialize_str(&self.0),
        }
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
