//! Databases that follow the one that is written to, for lists and pages.
//!
//! PostgreSQL says how much it has written and a replica how much of that it shows, so that no clocks are compared: how far
//! a replica is behind is the age of the newest of our looks whose writes it shows. One that does not answer, is too far
//! behind or is of another schema is left out, and what was to be read there is read where it was written.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Query, SelectStatement};
use sea_orm::{Database, TryGetable};
use tokio::sync::watch;

use super::{Connection, ConnectionTrait, Db, DbSettings, Handles, PoolUse, Result};

/// A replica that is further behind is not read.
const MOST_BEHIND: Duration = Duration::from_secs(10);
/// How often is looked.
const LOOK_EACH: Duration = Duration::from_secs(1);
/// A replica answers by then.
const WITHIN: Duration = Duration::from_secs(2);
/// Whoever changed something reads it where it was written for so long; by then every replica shows it, or is left out.
pub const READ_OWN: chrono::TimeDelta = chrono::TimeDelta::seconds(15);

/// How a replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Its host and database, without what lets anybody in.
    pub name: String,
    /// Why it is not read; nothing where it is.
    pub left_out: Option<String>,
    /// How far it is behind, where that can be told.
    pub behind: Option<Duration>,
}

#[derive(Debug)]
struct Replica {
    pool: Connection,
    state: Mutex<ReplicaState>,
}

/// All of them; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Replicas(Arc<All>);

#[derive(Debug)]
struct All {
    replicas: Vec<Replica>,
    /// How much was written at a look, by its number, the newest last.
    marks: Mutex<VecDeque<Mark>>,
    /// Looks that began, and the newest of those after which every replica in use showed all that was written before it.
    began: AtomicU64,
    caught_up: watch::Sender<u64>,
}

/// A look: its number, when it was, and how much was written then.
type Mark = (u64, Instant, i64);

impl Default for All {
    fn default() -> Self {
        Self {
            replicas: Vec::new(),
            marks: Mutex::default(),
            began: AtomicU64::new(0),
            caught_up: watch::Sender::new(0),
        }
    }
}

/// What a database says of how it follows.
struct Followed {
    /// Nothing where it follows nobody, or by another way than its log.
    shows: Option<i64>,
    migrations: i64,
}

impl Replicas {
    /// Pools that connect when they are asked: one that is down keeps nobody from starting.
    pub(super) async fn open(settings: &DbSettings) -> Result<Self> {
        let mut replicas = Vec::new();
        for url in &settings.read_urls {
            let one = DbSettings { url: url.clone(), acquire_timeout: WITHIN, ..settings.clone() };
            let mut options = super::options(&one, Ord::max(settings.max_connections, 2));
            super::limits::of_requests(&mut options, settings.question_timeout);
            options.min_connections(0).connect_lazy(true).connect_timeout(WITHIN);
            let left_out = Some("it was not asked yet".to_owned());
            let state = ReplicaState { name: name_of(url), left_out, behind: None };
            replicas.push(Replica { pool: Database::connect(options).await?, state: Mutex::new(state) });
        }
        Ok(Self(Arc::new(All { replicas, ..All::default() })))
    }

    pub(super) fn pools(&self) -> Vec<PoolUse> {
        let used = |replica: &Replica| {
            let pool = replica.pool.get_postgres_connection_pool();
            PoolUse { open: pool.size(), idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX) }
        };
        self.0.replicas.iter().map(used).collect()
    }

    /// Has each statement told that a replica is asked; where nobody else holds them yet.
    pub(super) fn tell(&mut self, told: &(impl Fn(&str) + Clone + Send + Sync + 'static)) {
        for replica in Arc::get_mut(&mut self.0).into_iter().flat_map(|all| &mut all.replicas) {
            let told = told.clone();
            replica.pool.set_metric_callback(move |done| told(&done.statement.sql));
        }
    }

    pub(super) async fn close(&self) -> Result<()> {
        for replica in &self.0.replicas {
            replica.pool.close_by_ref().await?;
        }
        Ok(())
    }
}

impl Replica {
    fn is_used(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).left_out.is_none()
    }

    /// Notes how it is, and says so once where that is new.
    fn note(&self, left_out: Option<String>, behind: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&state.left_out, &left_out) {
            (None, Some(why)) => tracing::warn!(replica = state.name, why, "a read replica is left out"),
            (Some(_), None) => tracing::info!(replica = state.name, "a read replica is read"),
            _ => {}
        }
        state.left_out = left_out;
        state.behind = behind;
    }

    /// Looks at it; how much of the log it shows, where it says so.
    async fn look(&self, marks: &VecDeque<Mark>, migrations: i64) -> Option<i64> {
        let asked = tokio::time::timeout(WITHIN, followed(&self.pool)).await;
        let found = match asked {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                self.note(Some(format!("it does not answer: {error}")), None);
                return None;
            }
            Err(_) => {
                self.note(Some(format!("it does not answer within {} s", WITHIN.as_secs())), None);
                return None;
            }
        };
        if found.migrations != migrations {
            self.note(Some("its schema is not the one of what is written to".to_owned()), None);
            return None;
        }
        // One that follows by other ways does not say how far it is; it is taken for what it was configured as.
        let Some(shows) = found.shows else {
            self.note(None, None);
            return Some(i64::MAX);
        };
        let newest = marks.iter().rev().find(|(_, _, written)| *written <= shows);
        let behind = newest.map(|(_, at, _)| at.elapsed());
        let left_out = match behind {
            Some(behind) if behind <= MOST_BEHIND => None,
            Some(behind) => Some(format!("it is {} s behind", behind.as_secs())),
            None => Some("it is behind, nobody knows how far yet".to_owned()),
        };
        self.note(left_out, behind);
        Some(shows)
    }
}

impl Db {
    /// Whether there are replicas.
    #[must_use]
    pub fn has_replicas(&self) -> bool {
        !self.replicas.0.replicas.is_empty()
    }

    /// How each of them is, in the order of the configuration.
    #[must_use]
    pub fn replica_states(&self) -> Vec<ReplicaState> {
        let state = |replica: &Replica| replica.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.replicas.0.replicas.iter().map(state).collect()
    }

    /// A handle that asks a replica, the same one for the same reader, so that nobody goes back in time from one page to the
    /// next. Nothing where none is in use.
    #[must_use]
    pub fn on_replica(&self, reader: u64) -> Option<Self> {
        let all = self.replicas.0.replicas.iter().enumerate();
        let used: Vec<(usize, &Replica)> = all.filter(|(_, replica)| replica.is_used()).collect();
        let number = u64::try_from(used.len()).ok().filter(|number| *number > 0)?;
        let chosen = used.get(usize::try_from(reader % number).ok()?)?;
        let own = Handles::clone(self);
        Some(Self(Arc::new(Handles { read: chosen.1.pool.clone(), replica: Some(chosen.0), ..own })))
    }

    /// Leaves the replica that this handle asks out until it is looked at again: something failed there.
    pub fn doubt(&self) {
        if let Some(replica) = self.replica.and_then(|at| self.replicas.0.replicas.get(at)) {
            replica.note(Some("a question failed there".to_owned()), None);
        }
    }

    /// Looks at all replicas once.
    ///
    /// # Errors
    /// If the database that is written to does not answer; replicas stay as they were.
    pub async fn look_at_replicas(&self) -> Result<()> {
        let all = &self.replicas.0;
        let number = all.began.fetch_add(1, Ordering::SeqCst) + 1;
        let (at, written) = (Instant::now(), written(&self.write).await?);
        let migrations = count_migrations(&self.write).await?;
        let marks = {
            let mut marks = all.marks.lock().unwrap_or_else(PoisonError::into_inner);
            marks.retain(|(_, at, _)| at.elapsed() <= 2 * MOST_BEHIND);
            marks.push_back((number, at, written));
            marks.clone()
        };
        let shown =
            futures::future::join_all(all.replicas.iter().map(|replica| replica.look(&marks, migrations))).await;
        let used = all.replicas.iter().zip(shown).filter(|(replica, _)| replica.is_used());
        // Of each the newest look of which it shows all; while much is written it is always a little behind the last one.
        let shown_of =
            |shows: Option<i64>| marks.iter().rev().find(|(_, _, written)| shows >= Some(*written)).map(|mark| mark.0);
        let caught_up = used.map(|(_, shows)| shown_of(shows).unwrap_or(0)).min().unwrap_or(number);
        all.caught_up.send_if_modified(|before| {
            let is_later = caught_up > *before;
            *before = Ord::max(*before, caught_up);
            is_later
        });
        Ok(())
    }

    /// Looks at them for as long as it is polled.
    pub async fn follow_replicas(&self) {
        while self.has_replicas() {
            if let Err(error) = self.look_at_replicas().await {
                tracing::debug!(%error, "read replicas could not be looked at");
            }
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    /// Waits until every replica in use shows what was written before now: whoever is told that something is new finds it
    /// wherever they read.
    pub async fn replicas_caught_up(&self) {
        if !self.has_replicas() {
            return;
        }
        let all = &self.replicas.0;
        let wanted = all.began.load(Ordering::SeqCst) + 1;
        let mut caught_up = all.caught_up.subscribe();
        // One that is further behind is left out.
        let _ = tokio::time::timeout(MOST_BEHIND, caught_up.wait_for(|number| *number >= wanted)).await;
    }
}

/// Bytes of the log that were written ever.
async fn written(c: &impl ConnectionTrait) -> Result<i64> {
    first(c, &Query::select().expr(bytes(Func::cust("pg_current_wal_lsn").into())).to_owned(), 0).await
}

fn bytes(place: Expr) -> Expr {
    let start = Expr::val("0/0").cast_as("pg_lsn");
    Expr::from(Func::cust("pg_wal_lsn_diff").args([place, start])).cast_as("bigint")
}

async fn count_migrations(c: &impl ConnectionTrait) -> Result<i64> {
    first(c, &Query::select().expr(migrations()).from(crate::maintenance::MIGRATIONS).to_owned(), 0).await
}

fn migrations() -> Expr {
    Func::count(Expr::col("version")).into()
}

async fn followed(c: &impl ConnectionTrait) -> Result<Followed> {
    let shows = bytes(Func::cust("pg_last_wal_replay_lsn").into());
    let query = Query::select().expr(shows).expr(migrations()).from(crate::maintenance::MIGRATIONS).to_owned();
    let row = c.query_one(&query).await?;
    let row = row.ok_or(super::DataError::Damaged { what: "replica", reason: "it answers nothing".to_owned() })?;
    Ok(Followed { shows: row.try_get_by_index(0)?, migrations: row.try_get_by_index(1)? })
}

async fn first<T: TryGetable>(c: &impl ConnectionTrait, query: &SelectStatement, index: usize) -> Result<T> {
    let row = c.query_one(query).await?;
    let row =
        row.ok_or(super::DataError::Damaged { what: "log", reason: "the database answers nothing".to_owned() })?;
    Ok(row.try_get_by_index(index)?)
}

/// Host and database of an address.
fn name_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_lets_anybody_in() {
        for (url, name) in [
            ("postgres://ada:se@cret@db.lan:5433/kubestats?sslmode=require", "db.lan:5433/kubestats"),
            ("postgresql://db.lan/kubestats", "db.lan/kubestats"),
            ("postgres://ada@[::1]:5432/k?password=secret", "[::1]:5432/k"),
        ] {
            assert_eq!(name_of(url), name);
        }
    }
}
