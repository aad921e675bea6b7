//! Answers that are kept: the same as those that are put together, and new as soon as what they are made of is.

use entity::input::{Batch, ScannedCommit};
use entity::view::{ChartFilter, ChartSummary, EcosystemOverview, EcosystemRange};
use sea_orm::Statement;
use store::db::{ConnectionTrait, Db, DbSettings, Engine};
use store::{charts, discovery, ecosystem, kept, overview, repositories, scans};
use uuid::Uuid;

use crate::ecosystem_charts::{Home, NOW};
use crate::metrics::little;
use crate::support::input::*;
use crate::support::{TestDb, on_each_engine, time};

/// The only chart, as it is kept; `put together` says the same.
async fn asked(db: &Db) -> Option<ChartSummary> {
    let filter = ChartFilter { page: entity::view::PageQuery::default(), ..ChartFilter::default() };
    let listed = kept::list_charts(db, &filter, time(NOW)).await.unwrap();
    assert_eq!(listed, charts::list_charts(&db.read, &filter, time(NOW)).await.unwrap());
    let id = listed.data.first()?.id;
    let one = kept::find_chart(db, id, None, time(NOW)).await.unwrap();
    assert_eq!(one, charts::find_chart(&db.read, id, None, time(NOW)).await.unwrap());
    listed.data.into_iter().next()
}

/// Changes a row behind the program's back.
async fn change(db: &Db, statement: &str) {
    let statement = Statement::from_string(db.write.get_database_backend(), statement);
    db.write.execute_raw(statement).await.unwrap();
}

/// How many new versions the first page tells of, as it is kept; `put together` says the same.
async fn bumps(db: &Db) -> usize {
    let kept = kept::overview(db, time(NOW)).await.unwrap();
    assert_eq!(kept, overview::overview(&db.read, time(NOW)).await.unwrap());
    kept.bumps.len()
}

/// What days tell, as it is kept; `put together` says the same.
async fn days(db: &Db) -> EcosystemOverview {
    let kept = kept::ecosystem_overview(db, EcosystemRange::All, None, time(NOW)).await.unwrap();
    assert_eq!(kept, ecosystem::overview(&db.read, EcosystemRange::All, None, time(NOW)).await.unwrap());
    kept
}

/// Says that a repository is there since this day.
async fn create_on(db: &Db, name: &str, day: &str) {
    change(db, &format!("UPDATE repository SET created_at = '{day}T00:00:00+00:00' WHERE full_name = '{name}'")).await;
}

fn repositories_of(chart: Option<&ChartSummary>) -> i64 {
    chart.map_or(0, |chart| chart.repositories)
}

#[tokio::test]
async fn what_is_stored_shows_at_once() {
    on_each_engine(async |db| {
        assert_eq!(asked(&db).await, None);
        let ada = Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&db).await;
        assert_eq!(repositories_of(asked(&db).await.as_ref()), 1);
        let bob = Home::new("bob/two", &[8]).release(&[(8, "cilium@2")]).store(&db).await;
        let both = asked(&db).await;
        assert_eq!(repositories_of(both.as_ref()), 2);
        assert_eq!(both.unwrap().stars, None);

        let facts = little();
        discovery::record_metrics(&db.write, ada, &facts, time(NOW)).await.unwrap();
        assert_eq!(asked(&db).await.unwrap().stars, Some(facts.stars));

        // History is taken back, and scanned again without the release.
        scans::rewind(&db.write, bob, None, &Batch::default(), time(NOW)).await.unwrap();
        assert_eq!(repositories_of(asked(&db).await.as_ref()), 1);
        assert!(repositories::remove_repository(&db.write, ada).await.unwrap());
        assert_eq!(asked(&db).await, None);
    })
    .await;
}

#[tokio::test]
async fn versions_that_change_show_at_once() {
    on_each_engine(async |db| {
        assert_eq!(bumps(&db).await, 0);
        let ada = Home::new("ada/one", &[9, 5]).release(&[(9, "cilium@1"), (5, "cilium@2")]).store(&db).await;
        assert_eq!(bumps(&db).await, 1);
        Home::new("bob/two", &[8, 4]).release(&[(8, "grafana@1"), (4, "grafana@2")]).store(&db).await;
        assert_eq!(bumps(&db).await, 2);
        assert!(repositories::remove_repository(&db.write, ada).await.unwrap());
        assert_eq!(bumps(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_nothing_changed_is_not_put_together_again() {
    on_each_engine(async |db| {
        let ada = Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&db).await;
        let filter = ChartFilter { page: entity::view::PageQuery::default(), ..ChartFilter::default() };
        let ask = async || kept::list_charts(&db, &filter, time(NOW)).await.unwrap().data;
        let before = ask().await;
        change(&db, "UPDATE chart SET name = 'another'").await;
        assert_eq!(ask().await, before, "nothing was stored that it knows of");
        let later = ChartFilter { used_by: 1, ..filter.clone() };
        let other = kept::list_charts(&db, &later, time(NOW)).await.unwrap().data;
        assert_eq!(other[0].name, "another", "another question is another answer");

        // A commit that changes no use moves it on as well: pages lead to the newest commit.
        let next = ScannedCommit { id: oid(2), sequence: 1, committed_at: time(NOW) };
        let batch = Batch { after: Some(oid(1)), through: Some(next), ..Batch::default() };
        scan_on(&db, ada, &batch).await;
        assert_eq!(ask().await[0].name, "another");
    })
    .await;
}

#[tokio::test]
async fn days_that_were_computed_show_at_once() {
    on_each_engine(async |db| {
        let aggregate = async || ecosystem::aggregate(&db, time(NOW)).await.unwrap();
        let total = |days: EcosystemOverview| days.latest.map(|latest| latest.total_repositories);
        assert_eq!(total(days(&db).await), None);
        let ada = Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&db).await;
        create_on(&db, "ada/one", "2026-03-01").await;
        assert_eq!(total(days(&db).await), None, "it is not counted yet");
        aggregate().await;
        assert_eq!(total(days(&db).await), Some(1));

        // Of one that was never scanned the job alone tells.
        let bob = add_repository(&db, "bob/two").await;
        create_on(&db, "bob/two", "2026-02-20").await;
        let waits = days(&db).await;
        assert_eq!((waits.newest.len(), total(waits)), (2, Some(1)));
        aggregate().await;
        let both = days(&db).await;
        assert_eq!((both.spans.len(), total(both)), (10, Some(2)));

        // Days of before the first repository go with the end of the job.
        assert!(repositories::remove_repository(&db.write, bob).await.unwrap());
        let plan = ecosystem::plan(&db.read, time(NOW)).await.unwrap();
        for step in plan.steps.iter().copied() {
            ecosystem::run_step(&db, &plan, step, time(NOW)).await.unwrap();
        }
        let computed = days(&db).await;
        assert_eq!((computed.spans.len(), total(computed)), (10, Some(1)));
        ecosystem::finish(&db, &plan).await.unwrap();
        assert_eq!(days(&db).await.spans.len(), 1);

        // And all of them with the last repository, of which nothing is left to tell.
        assert!(repositories::remove_repository(&db.write, ada).await.unwrap());
        assert_eq!(total(days(&db).await), Some(1));
        aggregate().await;
        assert_eq!(total(days(&db).await), None);
    })
    .await;
}

#[tokio::test]
async fn days_are_not_put_together_again_before_some_are_computed() {
    on_each_engine(async |db| {
        Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&db).await;
        create_on(&db, "ada/one", "2026-03-01").await;
        ecosystem::aggregate(&db, time(NOW)).await.unwrap();
        let ask = async |range: EcosystemRange| kept::ecosystem_overview(&db, range, None, time(NOW)).await.unwrap();
        let stars = |overview: &EcosystemOverview| overview.latest.as_ref().map(|latest| latest.total_stars);
        let before = ask(EcosystemRange::Month).await;
        assert_eq!((stars(&before), before.stale), (Some(0), false));
        change(&db, "UPDATE ecosystemstats SET total_stars = 77").await;
        assert_eq!(ask(EcosystemRange::Month).await, before, "nothing was computed that it knows of");
        assert_eq!(stars(&ask(EcosystemRange::Week).await), Some(77), "another range is another answer");

        // What changes between batches is told as it is.
        change(&db, "UPDATE repository SET description = 'told by its forge'").await;
        ecosystem::mark_stale(&db.write, "2026-03-01".parse().unwrap()).await.unwrap();
        let now = ask(EcosystemRange::Month).await;
        assert_eq!((now.newest[0].description.as_deref(), now.stale), (Some("told by its forge"), true));
        assert_eq!(now.latest, before.latest);

        let later = time("2026-03-01T12:05:00Z");
        ecosystem::aggregate(&db, later).await.unwrap();
        let now = ask(EcosystemRange::Month).await;
        assert_eq!(now.latest.map(|latest| latest.calculated_at), Some(later));
        assert!(!now.stale);
    })
    .await;
}

async fn scan_on(db: &Db, repository: Uuid, batch: &Batch) {
    let run = scans::begin_scan(&db.write, repository, time(NOW)).await.unwrap();
    scans::apply_batch(&db.write, repository, run, batch, time(NOW)).await.unwrap();
}

#[tokio::test]
async fn nobody_goes_back_in_time_where_a_replica_is_behind() {
    let (Some(written), Some(behind)) = (TestDb::open(Engine::Postgres).await, TestDb::open(Engine::Postgres).await)
    else {
        eprintln!("skipped: no PostgreSQL server is given");
        return;
    };
    let settings = DbSettings { read_urls: vec![behind.url()], ..DbSettings::new(written.url()) };
    let db = Db::connect(&settings).await.unwrap();
    assert!(db.on_replica(7).is_none(), "one that nobody has looked at is not asked");
    db.look_at_replicas().await.unwrap();
    let replica = db.on_replica(7).unwrap();
    let filter = ChartFilter { page: entity::view::PageQuery::default(), ..ChartFilter::default() };
    let ask = async |db: &Db| kept::list_charts(db, &filter, time(NOW)).await.unwrap().data;
    // The replica has the first of two, as one has that is behind.
    Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&behind.db).await;
    assert_eq!(repositories_of(ask(&replica).await.first()), 1, "what nobody knows newer is told");
    Home::new("ada/one", &[9]).release(&[(9, "cilium@1")]).store(&db).await;
    Home::new("bob/two", &[8]).release(&[(8, "cilium@2")]).store(&db).await;
    let new = ask(&db).await;
    assert_eq!(repositories_of(new.first()), 2);
    assert_eq!(ask(&replica).await, new, "the newer answer that is known");
    assert_eq!(ask(&db).await, new);
    // Its own questions are asked there.
    let listed = charts::list_charts(&replica.read, &filter, time(NOW)).await.unwrap().data;
    assert_eq!(repositories_of(listed.first()), 1);
    replica.doubt();
    assert!(db.on_replica(7).is_none() && db.replica_states()[0].left_out.is_some());
    db.close().await.unwrap();
    written.close().await;
    behind.close().await;
}
