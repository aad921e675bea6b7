//! How remotes are asked: how far apart looks at them are, and where the API of their forge is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::kind::Origin;
use entity::view::Timestamp;
use store::repositories::SyncTarget;
use url::Url;
use uuid::Uuid;

use crate::config::Config;
use crate::forges::Apis;
use crate::jobs::interval;

/// How one remote is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// How far apart looks at it are while nothing fails; nothing of samples, which never change.
    pub interval: Option<Duration>,
    /// Where its forge's API is; nothing where it has none.
    pub api: Option<Url>,
}

/// Tells how remotes are asked, as the configuration in force has it; cheap to clone.
#[derive(Clone)]
pub struct Polling(Arc<dyn Fn() -> Arc<Config> + Send + Sync>);

impl Polling {
    /// By a configuration that is asked for anew each time.
    pub fn new(config: impl Fn() -> Arc<Config> + Send + Sync + 'static) -> Self {
        Self(Arc::new(config))
    }

    /// How these remotes are asked, by the repository's id.
    #[must_use]
    pub fn of(&self, targets: &[SyncTarget], now: Timestamp) -> HashMap<Uuid, Polled> {
        let config = (self.0)();
        let apis = Apis::new(&config);
        let polled = |target: &SyncTarget| Polled {
            interval: (target.origin != Origin::Sample)
                .then(|| interval(&config.polling, target, target.head_committed_at, now)),
            api: apis.of(target),
        };
        targets.iter().map(|target| (target.id, polled(target))).collect()
    }
}
