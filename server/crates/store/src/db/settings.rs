//! Where the database is, and how its connections are shared out.

use std::time::Duration;

use super::{DataError, Engine, Result};

/// Where the database is and how many connections it may have.
#[derive(Clone, PartialEq, Eq)]
pub struct DbSettings {
    /// `sqlite:///path/file.db` (made if it is missing) or `postgres://user:password@host/name`.
    pub url: String,
    /// Connections in all; at least 4 to PostgreSQL, and 3 to SQLite.
    pub max_connections: u32,
    /// How long a question waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long a statement waits for SQLite's lock.
    pub busy_timeout: Duration,
    /// How long a question of a request may run before it is stopped: less than a request waits for its answer, so that
    /// whoever asked is told.
    pub question_timeout: Duration,
    /// Whether SQLite waits for the disk at every commit, so that not even a power cut loses one. Without it the file
    /// stays sound and a killed program loses nothing.
    pub durable: bool,
    /// Where PostgreSQL may be read beside: databases that follow that of `url`.
    pub read_urls: Vec<String>,
}

impl DbSettings {
    /// Settings that suit one machine.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(10),
            question_timeout: Duration::from_secs(25),
            durable: false,
            read_urls: Vec::new(),
        }
    }

    /// How many connections are for what requests ask, and how many for work. One of PostgreSQL's for work hears what other
    /// processes tell, for as long as the process lives; whoever reads the configuration again holds one and needs another. Of
    /// the rest each has half. Beside its one writer SQLite has twice as many for requests as for work, and of each no more than
    /// two for each core.
    pub(super) fn shares(&self, engine: Engine) -> (u32, u32) {
        match engine {
            Engine::Sqlite => {
                let readers = self.max_connections.max(3) - 1;
                let for_work = (readers / 3).clamp(1, most_readers());
                ((readers - for_work).min(most_readers()), for_work)
            }
            Engine::Postgres => {
                let for_requests = (self.max_connections.saturating_sub(1) / 2).max(1);
                (for_requests, self.max_connections.saturating_sub(for_requests).max(3))
            }
        }
    }

    /// The engine that the address names.
    pub fn engine(&self) -> Result<Engine> {
        if self.url.starts_with("sqlite:") {
            Ok(Engine::Sqlite)
        } else if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            Ok(Engine::Postgres)
        } else {
            Err(DataError::UnknownEngine { scheme: self.url.chars().take_while(|c| *c != ':').take(20).collect() })
        }
    }
}

/// The address may hold a password, so it is not shown.
impl std::fmt::Debug for DbSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DbSettings")
            .field("engine", &self.engine().ok())
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// SQLite reads on this machine's cores, and each reader maps the file for itself: more would only take memory.
fn most_readers() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_shared_out_and_work_always_has_enough() {
        let shares =
            |engine, max_connections| DbSettings { max_connections, ..DbSettings::new("sqlite:x") }.shares(engine);
        for (max_connections, expected) in
            [(1, (1, 3)), (2, (1, 3)), (4, (1, 3)), (5, (2, 3)), (10, (4, 6)), (11, (5, 6)), (512, (255, 257))]
        {
            let (for_requests, for_work) = shares(Engine::Postgres, max_connections);
            assert_eq!((for_requests, for_work), expected, "{max_connections}");
            assert_eq!(for_requests + for_work, max_connections.max(4), "{max_connections}");
        }
        for max_connections in [1, 3, 10, 64] {
            let (for_requests, for_work) = shares(Engine::Sqlite, max_connections);
            assert!(for_requests >= for_work && for_work >= 1, "{max_connections}");
            assert!(for_requests + for_work < max_connections.max(3), "{max_connections}");
            assert!(for_requests <= most_readers() && for_work <= most_readers(), "{max_connections}");
        }
    }
}
