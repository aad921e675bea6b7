use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Deps;

/// What handlers work with, as the configuration has it now. A job takes what is here when it begins, and ends with it: a reload
/// changes nothing in its middle.
#[derive(Clone)]
pub struct LiveDeps(Arc<ArcSwap<Deps>>);

impl From<Deps> for LiveDeps {
    fn from(deps: Deps) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(deps)))
    }
}

impl LiveDeps {
    /// As it is now.
    #[must_use]
    pub fn load(&self) -> Arc<Deps> {
        self.0.load_full()
    }

    /// For what begins from here on.
    pub fn replace(&self, deps: Deps) {
        self.0.store(Arc::new(deps));
    }
}
