//! Reads the engines' plans for every list: none may read a large table from end to end.

/// Asks a question and keeps its statements by its name.
macro_rules! record {
    ($db:expr, $all:expr, $name:expr, |$c:ident| $question:expr) => {{
        let recorder = crate::plans::Recorder { db: $db, statements: std::sync::Mutex::default() };
        let $c = &recorder;
        $question.await.unwrap();
        let statements = recorder.statements.into_inner().unwrap();
        assert!(!statements.is_empty(), "{}", $name);
        $all.extend(statements.into_iter().map(|statement| ($name.to_string(), statement)));
    }};
}

mod uses;
mod watching;

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use entity::kind::*;
use entity::view::*;
use sea_orm::{DbBackend, DbErr, ExecResult, QueryResult, Statement, TransactionTrait};
use store::db::{ConnectionTrait, Db, Engine};
use store::{
    audit, commits, discovery, ecosystem, events, figures, forges, jobs, overview, problems, repositories, resources,
    scans, schedules, tasks,
};
use uuid::Uuid;

use crate::fill::{Scale, fill, now};
use crate::support::{TestDb, at};

/// Small beside the number of repositories, resources and events: reading them whole is cheap.
const SMALL: &[&str] = &[
    "repository",
    "repository_change",
    "day_total",
    "facet_total",
    "group_total",
    "problem",
    "scan_run",
    // A row for each day, process, schedule, forge and its hours, and repository that somebody deleted.
    "ecosystemstats",
    "stale_day",
    "worker",
    "schedule",
    "forge_budget",
    "forge_spending",
    "tombstone",
    // Fifty are kept.
    "discovery_run",
    // One for each repository, and each whom somebody wants to tell, with their days.
    "watch",
    "trigger",
    "trigger_day",
    // Names: each once, however many use it.
    "chart",
    "image",
];

/// Passes statements on and keeps them.
struct Recorder<'a> {
    db: &'a Db,
    statements: Mutex<Vec<Statement>>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

impl ConnectionTrait for Recorder<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.read.get_database_backend()
    }

    fn execute_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, ExecResult>
    where
        's: 'a,
        Self: 'a,
    {
        self.db.read.execute_raw(statement)
    }

    fn execute_unprepared<'s, 't, 'a>(&'s self, sql: &'t str) -> Answer<'a, ExecResult>
    where
        's: 'a,
        't: 'a,
        Self: 'a,
    {
        self.db.read.execute_unprepared(sql)
    }

    fn query_one_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, Option<QueryResult>>
    where
        's: 'a,
        Self: 'a,
    {
        self.statements.lock().unwrap().push(statement.clone());
        self.db.read.query_one_raw(statement)
    }

    fn query_all_raw<'s, 'a>(&'s self, statement: Statement) -> Answer<'a, Vec<QueryResult>>
    where
        's: 'a,
        Self: 'a,
    {
        self.statements.lock().unwrap().push(statement.clone());
        self.db.read.query_all_raw(statement)
    }
}

/// Every list with filters and sorts as pages and REST ask for them. Gives the statements by the list's name.
async fn ask_everything(db: &Db, repository: Uuid) -> Vec<(String, Statement)> {
    let mut all = Vec::new();
    macro_rules! ask {
        ($name:expr, |$c:ident| $question:expr) => {
            record!(db, all, $name, |$c| $question)
        };
    }
    let page = PageQuery { skip: 50, limit: 20 };
    let some = |c: &str| Some(c.to_owned());
    let active = vec![ResourceStatus::Active];

    for repository_id in [None, Some(repository)] {
        let scope = if repository_id.is_some() { "of one repository" } else { "of all" };
        let resource = ResourceFilter { repository_id, page, ..ResourceFilter::default() };
        for sort in [ResourceSort::Name, ResourceSort::Kind, ResourceSort::Updated, ResourceSort::Created] {
            for direction in [Sort::Ascending, Sort::Descending] {
                for statuses in [vec![], active.clone()] {
                    let filter = ResourceFilter { sort, direction, statuses, ..resource.clone() };
                    ask!(format!("resources {scope} by {sort:?}"), |c| resources::list_resources(c, &filter));
                }
            }
        }
        let filters = [
            ("kind", ResourceFilter { kind: some("HelmRelease"), ..resource.clone() }),
            ("version", ResourceFilter { api_version: some("v1"), ..resource.clone() }),
            ("namespace", ResourceFilter { namespace: some("media"), ..resource.clone() }),
            ("text", ResourceFilter { text: some("grafana-app"), ..resource.clone() }),
            ("name", ResourceFilter { name: some("grafana-app"), ..resource.clone() }),
            ("chart", ResourceFilter { chart: some("app-template"), ..resource.clone() }),
            ("kind and name", ResourceFilter { kind: some("Service"), name: some("web"), ..resource.clone() }),
            (
                "kind and namespace",
                ResourceFilter { kind: some("Service"), namespace: some("media"), ..resource.clone() },
            ),
        ];
        for (name, filter) in filters {
            for statuses in [vec![], active.clone()] {
                let filter = ResourceFilter { statuses, ..filter.clone() };
                ask!(format!("resources {scope} with {name}"), |c| resources::list_resources(c, &filter));
            }
            ask!(format!("groups {scope} with {name}"), |c| resources::list_grouped(c, &filter));
        }
        ask!(format!("groups {scope}"), |c| resources::list_grouped(c, &resource));
        ask!(format!("facets {scope}"), |c| resources::resource_facets(c, &resource));

        let event = EventFilter { repository_id, page, ..EventFilter::default() };
        let filters = [
            ("nothing", event.clone()),
            ("version changes", EventFilter { version_changes_only: true, ..event.clone() }),
            ("since", EventFilter { since: Some(now() - chrono::TimeDelta::days(7)), ..event.clone() }),
            ("text", EventFilter { text: some("grafana-app"), ..event.clone() }),
        ];
        for (name, filter) in filters {
            ask!(format!("events {scope} with {name}"), |c| events::list_events(c, &filter));
        }
        if repository_id.is_some() {
            let filters = [
                ("type", EventFilter { event_type: Some(EventType::Deleted), ..event.clone() }),
                ("kind", EventFilter { resource_kind: some("Service"), ..event.clone() }),
                ("namespace", EventFilter { resource_namespace: some("media"), ..event.clone() }),
            ];
            for (name, filter) in filters {
                ask!(format!("events {scope} with {name}"), |c| events::list_events(c, &filter));
            }
        }
        ask!(format!("commits {scope}"), |c| commits::list_commits(c, repository_id, page));
        ask!(format!("activity {scope}"), |c| events::activity(c, repository_id, None, now(), 100));
    }

    let listed = commits::list_commits(&db.read, Some(repository), page).await.unwrap();
    let sha = listed.data[0].sha.clone();
    ask!("commit", |c| commits::find_commit(c, repository, &sha[..10], page));
    let of_commit = EventFilter { commit: Some(sha), ..EventFilter::default() };
    ask!("events of a commit", |c| events::list_events(c, &of_commit));
    ask!("event facets", |c| events::event_facets(c, repository));
    ask!("daily counts", |c| events::daily_counts(c, repository, 90, now()));
    ask!("trends", |c| events::trends(c, repository, 90, now()));

    let filter = ResourceFilter { repository_id: Some(repository), kind: some("HelmRelease"), ..Default::default() };
    let resource = resources::list_resources(&db.read, &filter).await.unwrap().data[0].clone();
    ask!("resource", |c| resources::find_resource(c, resource.id));
    ask!("versions", |c| resources::list_versions(c, resource.id, PageQuery::default()));
    let of_resource = EventFilter { resource_id: Some(resource.id), ..EventFilter::default() };
    ask!("events of a resource", |c| events::list_events(c, &of_resource));
    let event = resources::list_versions(&db.read, resource.id, PageQuery::default()).await.unwrap().data[0].event.id;
    ask!("version text", |c| resources::find_version_text(c, resource.id, event));
    ask!("step of an event", |c| store::charts::step_of_event(c, event));
    ask!("current text", |c| resources::find_current_text(c, resource.id));
    ask!("references", |c| resources::find_references(c, resource.id));
    let past = Some(now() - chrono::TimeDelta::days(365));
    for at in [None, past, Some(now())] {
        ask!("tree", |c| resources::list_tree(c, repository, at, resources::MAX_TREE));
        ask!("tree of which some is left out", |c| resources::list_tree(c, repository, at, 1));
        ask!("resource of a day", |c| resources::find_resource_then(c, resource.id, at.unwrap_or(now())));
    }

    ask!("repositories", |c| repositories::list_repositories(c, &RepositoryFilter::default()));
    for meant in [repository.to_string(), "ada/home".to_owned(), "da/ho".to_owned()] {
        ask!("the repository that is meant", |c| repositories::find_meant(c, &meant));
    }
    ask!("names of repositories", |c| repositories::list_names(c, 500));
    ask!("branches that are scanned", |c| repositories::list_scanned_branches(c, repository));
    ask!("repository", |c| repositories::find_repository(c, repository));
    ask!("metrics", |c| repositories::list_metrics(c, repository, 10));
    ask!("sync target", |c| repositories::sync_target(c, repository));
    ask!("problems", |c| problems::list_problems(c, repository, None, page));
    ask!("scan runs", |c| scans::list_scan_runs(c, repository, page));
    ask!("overview", |c| overview::overview(c, now()));
    ask!("running work", |c| overview::running_work(c));
    ask!("system state", |c| overview::system_state(c));

    ask!("known by files", |c| scans::known_by_files(c, repository, &[&resource.file_path]));
    let key = entity::input::ResourceKey {
        group: "helm.toolkit.fluxcd.io".into(),
        kind: resource.kind.clone(),
        namespace: String::new(),
        name: resource.name.clone(),
    };
    ask!("known by keys", |c| scans::known_by_keys(c, repository, std::slice::from_ref(&key)));
    ask!("known by source", |c| scans::known_by_source(c, repository, "HelmRepository", "grafana"));
    ask!("known sources", |c| scans::known_sources(c, repository, "HelmRepository", "grafana"));
    ask!("event commits", |c| scans::event_commits(c, repository));

    let job = jobs::list_jobs(&db.read, &JobFilter::default()).await.unwrap().data[0].id;
    ask!("job", |c| jobs::find_job(c, job));
    for (name, filter) in [
        ("of a repository", JobFilter { repository_id: Some(repository), ..JobFilter::default() }),
        ("in a state", JobFilter { state: Some(JobState::Queued), ..JobFilter::default() }),
        ("unfinished", JobFilter { unfinished: true, ..JobFilter::default() }),
        ("of a kind", JobFilter { kind: Some(JobKind::ScanRepository), ..JobFilter::default() }),
        ("that ended", JobFilter { since: Some(at(7, 0)), until: Some(at(9, 0)), ..JobFilter::default() }),
        ("tried again", JobFilter { retrying: Some(true), ..JobFilter::default() }),
        ("with text", JobFilter { text: some("home"), ..JobFilter::default() }),
        (
            "with text in a state",
            JobFilter { text: some("home"), state: Some(JobState::Failed), ..JobFilter::default() },
        ),
    ] {
        ask!(format!("jobs {name}"), |c| jobs::list_jobs(c, &filter));
    }
    ask!("tasks", |c| tasks::tasks(c, now()));
    ask!("job with its log", |c| tasks::find_job_detail(c, job));
    ask!("schedules", |c| schedules::list_schedules(c));
    ask!("budgets", |c| forges::budgets(c, now()));
    ask!("kept answer", |c| forges::find_answer(c, "none"));

    let reason = Some(RejectReason::Fork);
    for (name, filter) in [
        ("discovery", RejectFilter::default()),
        ("discovery with text", RejectFilter { text: some("home"), ..RejectFilter::default() }),
        ("discovery for a reason", RejectFilter { reason, ..RejectFilter::default() }),
    ] {
        ask!(name, |c| discovery::discovery(c, &DiscoverySettings::default(), &filter));
    }
    ask!("discovery run", |c| discovery::find_run(c, repository));
    ask!("discovery run now", |c| discovery::find_current_run(c));
    ask!("seen by discovery", |c| discovery::count_seen(c, repository));
    ask!("known to discovery", |c| discovery::list_known(c));
    ask!("metrics to ask for", |c| discovery::list_metrics_targets(c, now()));
    ask!("forge id taken", |c| discovery::is_taken(c, repository, "github.com", 1));

    for (range, at) in EcosystemRange::ALL.into_iter().flat_map(|range| [(range, None), (range, past)]) {
        ask!(format!("ecosystem, {}", range.as_str()), |c| ecosystem::overview(c, range, at, now()));
        ask!(format!("charts of the ecosystem, {}", range.as_str()), |c| ecosystem::charts(c, range, at, now()));
    }
    ask!("days", |c| ecosystem::list_days(c, 365, page, now()));
    ask!("trends of days", |c| ecosystem::trends(c, 365, now()));
    for (name, skip) in [("releases that changed", 0), ("releases, deep", 40)] {
        let page = PageQuery { skip, limit: 10 };
        ask!(name, |c| ecosystem::list_release_activity(c, page, 10, true));
    }
    ask!("database", |c| ecosystem::database_stats(c, now()));
    ask!("figures", |c| figures::repository_stats(c));
    ask!("recent repositories", |c| figures::recent_repositories(c, now()));
    for (name, filter) in [
        ("of all", AuditFilter::default()),
        ("of an account", AuditFilter { account_id: Some(repository), ..AuditFilter::default() }),
        ("of a kind", AuditFilter { action: Some(AuditAction::SyncRepository), ..AuditFilter::default() }),
        ("with text", AuditFilter { text: some("grafana"), ..AuditFilter::default() }),
    ] {
        for after in [None, Some((now(), Uuid::nil()))] {
            ask!(format!("what people did, {name}"), |c| audit::list_audit_entries_after(c, &filter, after, 500));
        }
    }
    all.extend(uses::ask_all(db, repository).await);
    all.extend(watching::ask_all(db, repository).await);
    all
}

async fn filled(test: &TestDb) -> Uuid {
    let filled = fill(&test.db, Scale { repositories: 12, resources: 150, events: 800 }).await.unwrap();
    let queue = store::queue::JobQueue::new(test.db.clone());
    for repository_id in filled.repositories.iter().copied() {
        for request in [JobRequest::SyncRepository { repository_id }, JobRequest::ScanRepository { repository_id }] {
            queue.enqueue(&request, RequestedBy::Start, Priority::ROUTINE, at(8, 0)).await.unwrap();
        }
    }
    // Many more have ended than wait.
    let done = "INSERT INTO job (id, kind, payload, key, priority, state, attempts, requested_by, repository_id, created_at, \
                run_at, finished_at) SELECT id, 'sync_repository', '{}', 'done', 0, 'succeeded', 1, 'schedule', repository_id, \
                created_at, created_at, updated_at FROM kubernetesresource";
    test.db.write.execute_unprepared(done).await.unwrap();
    let told = "INSERT INTO audit_entry (id, at, action, account_id, who, via, object_kind, object_name) SELECT id, created_at, \
                'sync_repository', repository_id, 'ada@example.org', 'session', 'repository', name FROM kubernetesresource";
    test.db.write.execute_unprepared(told).await.unwrap();
    ecosystem::aggregate(&test.db, now()).await.unwrap();
    watching::fill(&test.db).await;
    filled.repositories[5]
}

/// Lists that read an index from end to end on purpose: they have no filter, and what they count is not kept.
fn reads_whole_index(name: &str) -> bool {
    // What searches left out and forges told is counted whole, and is as much as there are repositories and days.
    name == "groups of all" || name == "database" || name.starts_with("discovery") || watching::reads_whole_index(name)
}

/// Pages that put hundreds of the newest changes together.
fn looks_up_hundreds(name: &str) -> bool {
    matches!(name, "overview" | "releases that changed" | "releases, deep")
}

/// Lists that look for a part of a text in names: paths of values are stored once each, thousands for a million values.
fn looks_through(name: &str, table: &str) -> bool {
    name == "values with text" && table == "value_path"
}

#[tokio::test]
async fn sqlite_reads_no_large_table_from_end_to_end() {
    let test = TestDb::open(Engine::Sqlite).await.unwrap();
    let repository = filled(&test).await;
    for analyzed in [false, true] {
        if analyzed {
            test.db.write.execute_unprepared("ANALYZE").await.unwrap();
        }
        let mut bad = Vec::new();
        for (name, mut statement) in ask_everything(&test.db, repository).await {
            let sql = std::mem::take(&mut statement.sql);
            statement.sql = format!("EXPLAIN QUERY PLAN {sql}");
            let plan = test.db.write.query_all_raw(statement).await.unwrap();
            let lines: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
            for line in &lines {
                let Some(scanned) = line.strip_prefix("SCAN ") else { continue };
                let alias = scanned.split(' ').next().unwrap();
                let ordered = scanned.contains(" INDEX ");
                // An index walked in the order of a list ends after its page; one that is counted does not.
                let walked = ordered
                    && sql.contains(" LIMIT ")
                    && !lines.iter().any(|line| line.contains("TEMP B-TREE FOR ORDER BY") && !is_paged_first(&sql));
                // What hundreds of resources and events are about is looked up at once, of tables that have hundreds here.
                let few = analyzed && looks_up_hundreds(&name) && matches!(alias, "chart_use" | "resource_image");
                let fine = is_small(alias, &sql)
                    || walked
                    || few
                    || (ordered && reads_whole_index(&name))
                    || looks_through(&name, alias);
                if !fine {
                    bad.push(format!("{name}: {line}\n    {sql}\n    {lines:#?}"));
                }
            }
        }
        assert!(bad.is_empty(), "analyzed: {analyzed}\n{}", bad.join("\n"));
    }
    test.close().await;
}

/// Whether a statement sorts a page alone: its ids were read before, in the order of an index.
fn is_paged_first(sql: &str) -> bool {
    sql.contains(") i ") || sql.contains(") AS \"i\" ")
}

/// Whether an alias of a statement stands for a table that may be read whole.
fn is_small(alias: &str, sql: &str) -> bool {
    // Letters that no table has are questions within, whose own lines are judged.
    if matches!(alias, "i" | "n" | "u" | "v" | "groups" | "wanted" | "CONSTANT" | "w" | "resource_search")
        || alias.starts_with('(')
        || alias.parse::<u32>().is_ok()
    {
        return true;
    }
    SMALL.iter().any(|table| {
        *table == alias
            || [format!("{table} {alias} "), format!("{table} {alias})"), format!("{table} AS {alias} ")]
                .iter()
                .any(|words| sql.contains(words.as_str()))
            || sql.ends_with(&format!("{table} {alias}"))
    })
}

#[test]
fn plan_reader_knows_a_bad_plan() {
    assert!(!is_small("k", "SELECT COUNT(*) FROM kubernetesresource k"));
    assert!(!is_small("e", "SELECT e.id FROM kubernetesresourceevent e WHERE 1"));
    assert!(!is_small("job", "SELECT COUNT(*) FROM job"));
    assert!(is_small("r", "SELECT COUNT(*) FROM repository r"));
}

#[tokio::test]
async fn sqlite_plan_of_a_list_without_index_is_refused() {
    let test = TestDb::open(Engine::Sqlite).await.unwrap();
    let sql = "EXPLAIN QUERY PLAN SELECT * FROM kubernetesresource WHERE file_hash = 'x'";
    let statement = Statement::from_string(DbBackend::Sqlite, sql);
    let plan = test.db.read.query_all_raw(statement).await.unwrap();
    let line: String = plan[0].try_get("", "detail").unwrap();
    assert_eq!(line, "SCAN kubernetesresource");
    test.close().await;
}

#[tokio::test]
async fn postgres_reads_no_large_table_from_end_to_end() {
    let Some(test) = TestDb::open(Engine::Postgres).await else { return };
    let repository = filled(&test).await;
    test.db.write.execute_unprepared("ANALYZE").await.unwrap();
    let mut bad = Vec::new();
    for (name, mut statement) in ask_everything(&test.db, repository).await {
        let sql = std::mem::take(&mut statement.sql);
        statement.sql = format!("EXPLAIN {sql}");
        let txn = test.db.write.begin().await.unwrap();
        // Tables are small here, and reading them whole is cheapest; what is left then has no index at all.
        txn.execute_unprepared("SET LOCAL enable_seqscan = off").await.unwrap();
        let plan = txn.query_all_raw(statement).await.unwrap();
        let lines: Vec<String> = plan.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        for line in &lines {
            let Some((_, scanned)) = line.split_once("Seq Scan on ") else { continue };
            let table = scanned.split(' ').next().unwrap();
            if !SMALL.contains(&table) && !looks_through(&name, table) {
                bad.push(format!("{name}: {line}\n    {sql}\n{}", lines.join("\n")));
            }
        }
        txn.rollback().await.unwrap();
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    test.close().await;
}
