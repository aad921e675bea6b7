//! What the database tells of work, forges and scans.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use entity::view::{ForgeBudget, QueueDepth, Timestamp, Trigger};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use prometheus_client::registry::Registry;
use store::db::{DataError, Db};
use store::{forges, overview, tasks, triggers};

use crate::clock;

/// A database that takes longer does not answer.
const WITHIN: Duration = Duration::from_secs(5);

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge>;

/// What this process knows without asking.
pub(super) fn of_process(db: &Db, answers: bool, password_hashes: u64) -> Registry {
    let mut registry = Registry::with_prefix("kubestats");
    let hashes = Counter::<u64>::default();
    hashes.inc_by(password_hashes);
    registry.register("password_hashes", "Passwords that were hashed or compared, right or wrong", hashes);
    let up = Gauge::<i64>::default();
    up.set(i64::from(answers));
    registry.register("database_up", "Whether the database answered when it was asked last", up);
    let pool = Gauges::default();
    for (pool_name, used) in db.pools() {
        let state = |state: &str| vec![("pool", pool_name.clone()), ("state", state.to_owned())];
        pool.get_or_create(&state("idle")).set(i64::from(used.idle));
        pool.get_or_create(&state("in_use")).set(i64::from(used.open.saturating_sub(used.idle)));
    }
    registry.register("database_connections", "Connections to the database", pool);
    registry
}

/// What is stored, as text; nothing where the database does not answer.
pub(super) async fn ask(db: &Db) -> Option<String> {
    let registry = match tokio::time::timeout(WITHIN, gather(db, clock::now())).await {
        Ok(Ok(registry)) => registry,
        Ok(Err(error)) => {
            tracing::warn!(%error, "figures for /metrics cannot be had");
            return None;
        }
        Err(_) => {
            tracing::warn!(limit_s = WITHIN.as_secs(), "figures for /metrics take too long");
            return None;
        }
    };
    let mut text = String::new();
    prometheus_client::encoding::text::encode_registry(&mut text, &registry).ok()?;
    Some(text)
}

async fn gather(db: &Db, now: Timestamp) -> Result<Registry, DataError> {
    let mut registry = Registry::with_prefix("kubestats");
    jobs(&mut registry, &tasks::queue_depths(&db.read, now).await?);
    let waits = tasks::oldest_ready(&db.read, now).await?.map_or(0, |at| (now - at).num_seconds().max(0));
    set(
        &mut registry,
        "oldest_waiting_job_age_seconds",
        "For how long the oldest job waits that could run; 0 where none does",
        waits,
    );
    budgets(&mut registry, &forges::budgets(&db.read, now).await?, now);
    let figures = overview::figures(&db.read, now).await?;
    for (name, help, value) in [
        ("repositories", "Repositories that are known", figures.repositories),
        ("active_repositories", "Repositories with changes in the last 90 days", figures.active_repositories),
        ("resources", "Kubernetes resources at the heads of repositories", figures.resources),
        ("helm_releases", "Releases of charts at the heads of repositories", figures.helm_releases),
        ("events", "Changes of resources that are stored", figures.events),
        ("problems", "Files and documents that cannot be read", figures.problems),
    ] {
        set(&mut registry, name, help, value);
    }
    let state = overview::system_state(&db.read).await?;
    set(
        &mut registry,
        "failing_repositories",
        "Repositories whose sync or scan failed last",
        state.failing_repositories,
    );
    let first = triggers::first_delivery_at(&db.read).await?;
    set(
        &mut registry,
        "late_delivery_seconds",
        "How long ago the delivery was due that waits longest; 0 where none is late",
        first.map_or(0, |due| (now - due).num_seconds().max(0)),
    );
    deliveries(&mut registry, &triggers::list_triggers(&db.read, now).await?);
    let disk = tasks::disk_use(&db.read).await?;
    set(&mut registry, "clones_bytes", "Disk that clones take", disk.bytes);
    Ok(registry)
}

fn set(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn jobs(registry: &mut Registry, depths: &[QueueDepth]) {
    let (now, lately) = (Gauges::default(), Gauges::default());
    for depth in depths {
        let labels = |state: &str| vec![("kind", depth.kind.to_string()), ("state", state.to_owned())];
        for (state, number) in [("waiting", depth.waiting), ("ready", depth.ready), ("running", depth.running)] {
            now.get_or_create(&labels(state)).set(number);
        }
        let ended = [("succeeded", depth.succeeded_last_24_h), ("failed", depth.failed_last_24_h)];
        for (state, number) in ended {
            lately.get_or_create(&labels(state)).set(number);
        }
    }
    registry.register("jobs", "Jobs that wait for a time, that could run, and that run", now);
    registry.register("jobs_last_24_hours", "Jobs that ended in the last 24 hours", lately);
}

/// What came of triggers: of those of one name together, should there be two.
fn deliveries(registry: &mut Registry, triggers: &[Trigger]) {
    let (lately, in_row, enabled) = (Gauges::default(), Gauges::default(), Gauges::default());
    for trigger in triggers {
        let name = || ("trigger", trigger.name.clone());
        let ended = trigger
            .days
            .iter()
            .fold([0, 0], |[delivered, failed], day| [delivered + day.delivered, failed + day.failed]);
        for (state, number) in ["delivered", "failed"].into_iter().zip(ended) {
            lately.get_or_create(&vec![name(), ("state", state.to_owned())]).inc_by(number);
        }
        in_row.get_or_create(&vec![name()]).inc_by(trigger.failures_in_row);
        enabled.get_or_create(&vec![name()]).inc_by(i64::from(trigger.is_enabled));
    }
    registry.register("deliveries_last_30_days", "Deliveries that arrived, and that were given up, in 30 days", lately);
    registry.register("trigger_failures_in_row", "Attempts that failed since the last that did not", in_row);
    registry.register("trigger_enabled", "Whether a trigger is switched on", enabled);
}

/// Several tokens of one host are one budget.
fn budgets(registry: &mut Registry, budgets: &[ForgeBudget], now: Timestamp) {
    let (quota, remaining, spent) = (Gauges::default(), Gauges::default(), Gauges::default());
    let resets = Family::<Labels, Gauge<u64, AtomicU64>>::default();
    for budget in budgets {
        let labels = vec![("host", budget.host.clone()), ("resource", budget.resource.clone())];
        if let Some(number) = budget.quota {
            quota.get_or_create(&labels).inc_by(number);
        }
        if let Some(number) = budget.remaining {
            remaining.get_or_create(&labels).inc_by(number);
        }
        spent.get_or_create(&labels).inc_by(budget.spent_last_24_h);
        if let Some(until) = budget.blocked_until {
            let seconds = u64::try_from((until - now).num_seconds()).unwrap_or(0);
            let blocked = resets.get_or_create_owned(&labels);
            blocked.set(blocked.get().max(seconds));
        }
    }
    registry.register("forge_budget_quota", "Requests that a forge allows in its window", quota);
    registry.register("forge_budget_remaining", "Requests that are left of it", remaining);
    registry.register("forge_requests_last_24_hours", "Requests, or points, that were spent", spent);
    registry.register("forge_blocked_seconds", "For how long a forge is not asked", resets);
}
