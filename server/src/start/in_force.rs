//! The configuration in force, for those who ask it anew each time.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::Config;

/// What the last reload left, or the start.
#[derive(Clone)]
pub struct InForce(Arc<ArcSwap<Config>>);

impl InForce {
    /// From the start on.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(config)))
    }

    /// As it is now.
    #[must_use]
    pub fn get(&self) -> Arc<Config> {
        self.0.load_full()
    }

    /// From now on.
    pub(super) fn replace(&self, config: Config) {
        self.0.store(Arc::new(config));
    }
}
