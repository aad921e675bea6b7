use std::cell::Cell;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A string that is never printed, logged or serialised: tokens and passwords.
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

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match TOLD_APART.get() {
            true => serializer.collect_str(&format_args!("{MASKED} {}", blake3::keyed_hash(&KEY, self.0.as_bytes()))),
            false => serializer.serialize_str(MASKED),
        }
    }
}

thread_local! {
    /// Whether two secrets have to differ in what stands in their place.
    static TOLD_APART: Cell<bool> = const { Cell::new(false) };
}

/// Nobody outside this process can try secrets against what stands in their place.
static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let random = [Uuid::now_v7(), Uuid::now_v7()];
    *blake3::hash(random.map(Uuid::into_bytes).as_flattened()).as_bytes()
});

/// Serialises something such that different secrets differ: to compare two configurations.
pub(super) fn told_apart<T>(serialize: impl FnOnce() -> T) -> T {
    TOLD_APART.set(true);
    let done = serialize();
    TOLD_APART.set(false);
    done
}
