//! What is asked of branches, their events, and who is told of them.

use entity::kind::*;
use entity::view::*;
use sea_orm::{ConnectionTrait as _, Statement};
use store::db::{Db, Engine};
use store::triggers::DeliveryRoom;
use store::{triggers, watch};
use uuid::Uuid;

use crate::support::at;

const PAGE: PageQuery = PageQuery { skip: 50, limit: 20 };

/// Thousands of branches, events and deliveries, most of which are done with.
pub(super) async fn fill(db: &Db) {
    const COMMIT: &str = "0102030405060708090a0b0c0d0e0f1011121314";
    let (some, place, commit) = match db.engine {
        Engine::Sqlite => ("abs(random()) %", "rowid", format!("x'{COMMIT}'")),
        Engine::Postgres => {
            let place = "row_number() OVER (ORDER BY id)";
            ("floor(random() * 1000)::int %", place, format!("decode('{COMMIT}', 'hex')"))
        }
    };
    let statements = [
        "INSERT INTO watch (repository_id, is_enabled, tells_first_look, version) SELECT id, TRUE, FALSE, 1 FROM repository"
            .to_owned(),
        format!(
            "INSERT INTO branch (id, repository_id, name, head, is_watched, version, first_seen_at, changed_at, last_seen_at, \
             deleted_at) SELECT id, repository_id, 'b' || {place}, {commit}, {some} 9 = 0, 1, created_at, updated_at, \
             updated_at, CASE WHEN {some} 3 = 0 THEN updated_at END FROM kubernetesresource"
        ),
        format!(
            "INSERT INTO branch_event (id, repository_id, branch_id, sequence, kind, new_commit, noticed_by, noticed_at, \
             state, verdicts, tries, due_at, facts_due_at) SELECT id, repository_id, id, 1, 'branch_updated', head, 'poll', \
             changed_at, 'processed', '[]', 0, CASE WHEN {some} 50 = 0 THEN changed_at END, CASE WHEN {some} 40 = 0 THEN \
             changed_at END FROM branch"
        ),
        "INSERT INTO \"trigger\" (id, name, is_enabled, is_configured, condition, target_kind, target, pace, created_at, \
         changed_at, failures_in_row) SELECT id, url, TRUE, FALSE, '{}', 'flux', '{\"flux\":{\"url\":\"https://x\"}}', \
         '{\"timeout_ms\":1,\"waits_ms\":[]}', created_at, created_at, 0 FROM repository"
            .to_owned(),
        format!(
            "INSERT INTO delivery (id, trigger_id, event_id, repository_id, branch_id, kind, commit_hash, sequence, state, \
             tries, attempts, next_try_at, lease_until, created_at, finished_at, answer_id) SELECT id, repository_id, id, \
             repository_id, branch_id, kind, new_commit, 1, CASE {some} 40 WHEN 0 THEN 'pending' WHEN 1 THEN 'sending' WHEN 2 \
             THEN 'failed' ELSE 'delivered' END, 0, 0, noticed_at, noticed_at, noticed_at, noticed_at, CASE WHEN {some} 2 = 0 \
             THEN 'run' || {place} END FROM branch_event"
        ),
        "INSERT INTO delivery_attempt (delivery_id, number, started_at, duration_ms) SELECT id, 1, created_at, 5 FROM delivery"
            .to_owned(),
        "INSERT INTO webhook_receipt (repository_id, delivery_id, received_at, event, result) SELECT repository_id, name, \
         changed_at, 'push', '' FROM branch"
            .to_owned(),
    ];
    for statement in statements {
        db.write.execute_unprepared(&statement).await.unwrap();
    }
}

/// Every question about watching and telling. Gives the statements by the question's name.
pub(super) async fn ask_all(db: &Db, repository: Uuid) -> Vec<(String, Statement)> {
    let mut all = Vec::new();
    macro_rules! ask {
        ($name:expr, |$c:ident| $question:expr) => {
            record!(db, all, $name, |$c| $question)
        };
    }
    for repository_id in [None, Some(repository)] {
        let scope = if repository_id.is_some() { "of one repository" } else { "of all" };
        let branch = BranchFilter { repository_id, page: PAGE, ..Default::default() };
        for (name, filter) in [
            ("nothing", branch.clone()),
            ("there and watched", BranchFilter { watched: Some(true), deleted: Some(false), ..branch.clone() }),
            ("text", BranchFilter { text: Some("b1".into()), ..branch.clone() }),
        ] {
            ask!(format!("branches {scope} with {name}"), |c| watch::list_branches(c, &filter));
        }
        let event = BranchEventFilter { repository_id, page: PAGE, ..Default::default() };
        for (name, filter) in [
            ("nothing", event.clone()),
            ("kind", BranchEventFilter { kind: Some(BranchEventKind::BranchUpdated), ..event.clone() }),
            ("state", BranchEventFilter { state: Some(BranchEventState::Failed), ..event.clone() }),
            ("text", BranchEventFilter { text: Some("b1".into()), ..event.clone() }),
            ("span", BranchEventFilter { since: Some(at(7, 0)), until: Some(at(9, 0)), ..event.clone() }),
        ] {
            ask!(format!("branch events {scope} with {name}"), |c| watch::list_branch_events(c, &filter));
        }
        let told = DeliveryFilter { repository_id, page: PAGE, ..Default::default() };
        for (name, filter) in [
            ("nothing", told.clone()),
            ("state", DeliveryFilter { state: Some(DeliveryState::Failed), ..told.clone() }),
            ("trigger", DeliveryFilter { trigger_id: Some(repository), ..told.clone() }),
            (
                "trigger and state",
                DeliveryFilter { trigger_id: Some(repository), state: Some(DeliveryState::Failed), ..told.clone() },
            ),
        ] {
            ask!(format!("deliveries {scope} with {name}"), |c| triggers::list_deliveries(c, &filter));
        }
    }
    let filter = BranchFilter { repository_id: Some(repository), ..Default::default() };
    let branch = watch::list_branches(&db.read, &filter).await.unwrap().data[0].id;
    ask!("branch", |c| watch::find_branch(c, branch));
    ask!("history of a branch", |c| watch::list_branch_history(c, branch, PageQuery { skip: 0, limit: 20 }));
    ask!("names of branches", |c| watch::list_branch_names(c, repository, 100));
    ask!("gone names", |c| watch::gone_names(c, repository, &["b1", "b2"]));
    ask!("watched names", |c| watch::list_watched_names(c, 100));
    ask!("receipts", |c| watch::list_receipts(c, repository, PAGE));
    ask!("some deliveries", |c| triggers::find_progress(c, &[branch]));
    ask!("some commits", |c| store::commits::find_commits(
        c,
        repository,
        &["0102030405060708090a0b0c0d0e0f1011121314"]
    ));
    let of_branch = BranchEventFilter { branch_id: Some(branch), ..Default::default() };
    ask!("events of a branch", |c| watch::list_branch_events(c, &of_branch));
    ask!("what was told right before", |c| watch::told_since(c, &[branch, repository], at(8, 59)));
    ask!("branch event", |c| watch::find_branch_event(c, branch));
    ask!("repositories to follow", |c| watch::repositories_to_follow(c, at(9, 0), 20));
    ask!("events that are put off", |c| watch::has_put_off(c, repository, at(9, 0)));
    ask!("events to follow", |c| watch::events_to_follow(c, repository, at(9, 0), 20));
    ask!("lacking protection", |c| watch::lacks_protection(c, repository));
    ask!("known protection", |c| watch::knows_protection(c, repository));
    ask!("origins of branches", |c| watch::branch_origins(c, [branch]));
    ask!("watched repositories", |c| watch::list_watched_repositories(c, &WatchedRepositoryFilter::default()));
    ask!("watched repository", |c| watch::find_watched_repository(c, repository));
    ask!("number of watched branches", |c| watch::count_watched(c, None));
    ask!("old events", |c| watch::old_events(c, at(9, 0), 100));
    ask!("gone branches", |c| watch::gone_branches(c, at(9, 0), 100));
    ask!("old receipts", |c| watch::old_receipts(c, at(9, 0), 100));

    for (name, filter) in [
        ("an event", DeliveryFilter { event_id: Some(branch), ..Default::default() }),
        ("a branch", DeliveryFilter { branch_id: Some(branch), ..Default::default() }),
    ] {
        ask!(format!("deliveries of {name}"), |c| triggers::list_deliveries(c, &filter));
    }
    ask!("delivery", |c| triggers::find_delivery(c, branch));
    ask!("attempts", |c| triggers::list_attempts(c, branch, 20));
    let room = DeliveryRoom { worker: "w", most: 400, per_trigger: 400, failing: 2 };
    ask!("deliveries to claim", |c| triggers::due_deliveries(c, room, at(9, 0)));
    ask!("first delivery", |c| triggers::first_delivery_at(c));
    ask!("next delivery", |c| triggers::next_delivery_at(c, at(9, 0)));
    ask!("lost deliveries", |c| triggers::lost_deliveries(c, at(9, 0), 20));
    ask!("failed deliveries", |c| triggers::failed_deliveries(c, repository, at(7, 0), 100));
    ask!("delivery by its answer", |c| triggers::find_answered(c, "none", TargetKind::Tekton));
    ask!("whether something is told", |c| triggers::is_telling(c));
    ask!("triggers", |c| triggers::list_triggers(c, at(9, 0)));
    ask!("enabled triggers", |c| triggers::enabled_triggers(c));
    ask!("target of a trigger", |c| triggers::find_target(c, repository));
    ask!("past events", |c| triggers::past_events(c, at(7, 0), 100));
    ask!("past commits", |c| triggers::past_commits(c, at(7, 0), 100));
    ask!("branches to test with", |c| triggers::list_test_branches(c, 100));
    ask!("newest event of a branch", |c| triggers::newest_event(c, branch));
    all
}

/// Questions that read an index from end to end on purpose: they ask for all there is, or for what a partial index holds, which
/// is as much as waits or is watched.
pub(super) fn reads_whole_index(name: &str) -> bool {
    matches!(
        name,
        "branches of all with nothing"
            | "branches of all with there and watched"
            | "branch events of all with nothing"
            | "deliveries of all with nothing"
            | "deliveries to claim"
            | "whether something is told"
    )
}

/// The words of partial indexes stand in migrations, those of questions follow from the states: both are the same.
#[tokio::test]
async fn partial_indexes_hold_the_states_that_are_asked_for() {
    crate::support::on_each_engine(async |db| {
        let sql = match db.engine {
            Engine::Sqlite => "SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'",
            Engine::Postgres => {
                "SELECT indexname::text AS name, indexdef AS text FROM pg_indexes WHERE schemaname = 'public' \
                 AND indexdef LIKE '%WHERE%'"
            }
        };
        let rows = db.read.query_all_raw(Statement::from_string(db.read.get_database_backend(), sql)).await.unwrap();
        let words = |name: &str| {
            let text = |row: &sea_orm::QueryResult| row.try_get::<String>("", "text").unwrap();
            let row = rows.iter().find(|row| row.try_get::<String>("", "name").unwrap() == name).unwrap();
            let text = text(row);
            let (_, condition) = text.split_once("WHERE").unwrap();
            let mut words: Vec<String> = condition.split('\'').skip(1).step_by(2).map(ToOwned::to_owned).collect();
            words.sort();
            words
        };
        let states = |wanted: &dyn Fn(DeliveryState) -> bool| {
            let states = DeliveryState::ALL.iter().filter(|state| wanted(**state));
            let mut words: Vec<String> = states.map(|state| state.as_str().to_owned()).collect();
            words.sort();
            words
        };
        use DeliveryState::{Failed, Pending, Retrying, Sending};
        assert_eq!(words("delivery_unfinished"), states(&|state| !state.is_finished()));
        assert_eq!(words("delivery_due"), states(&|state| [Pending, Retrying].contains(&state)));
        for index in ["delivery_sending", "delivery_lost"] {
            assert_eq!(words(index), states(&|state| state == Sending));
        }
        assert_eq!(words("delivery_failed"), states(&|state| state == Failed));
        assert_eq!(words("branch_event_tekton"), [BranchEventKind::TektonDetected.as_str()]);
    })
    .await;
}
