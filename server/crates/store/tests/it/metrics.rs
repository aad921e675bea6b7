//! Forges' figures: what none has told is not known, which a zero is not.

use entity::input::RepositoryFacts;
use entity::kind::Provider;
use entity::view::RepositoryMetrics;
use migration::{Migrator, MigratorTrait as _};
use sea_orm::Statement;
use store::db::{ConnectionTrait, Db};
use store::discovery::{Asked, list_metrics_targets, record_facts, record_metrics};
use store::repositories::{find_repository, list_metrics, list_scanned_branches, pin_branches};
use uuid::Uuid;

use crate::support::input::add_repository;
use crate::support::{TestDb, at, on_each_engine};

/// What a forge tells that tells as little as it may.
pub(crate) fn little() -> RepositoryFacts {
    RepositoryFacts {
        host: "gitlab.com".to_owned(),
        provider: Provider::Gitlab,
        forge_id: 7,
        node_id: None,
        owner: "ada".to_owned(),
        name: "home".to_owned(),
        full_name: "ada/home".to_owned(),
        clone_url: "https://gitlab.com/ada/home.git".to_owned(),
        web_url: None,
        description: None,
        language: None,
        topics: Vec::new(),
        license_name: None,
        default_branch: None,
        created_at: None,
        updated_at: None,
        pushed_at: None,
        stars: 3,
        forks: None,
        watchers: None,
        open_issues: None,
        size_kb: None,
        is_archived: false,
        is_fork: false,
        is_private: false,
    }
}

fn counts(metrics: &RepositoryMetrics) -> [(i64, bool); 4] {
    [
        (metrics.forks_count, metrics.forks_known),
        (metrics.watchers_count, metrics.watchers_known),
        (metrics.open_issues_count, metrics.open_issues_known),
        (metrics.size, metrics.size_known),
    ]
}

const UNKNOWN: (i64, bool) = (0, false);

#[tokio::test]
async fn what_a_forge_never_told_is_unknown_and_what_it_told_once_stays() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let newest = async || {
            let found = find_repository(&db.read, id).await.unwrap().unwrap().latest_metrics.unwrap();
            let listed = list_metrics(&db.read, id, 1).await.unwrap().data;
            assert_eq!(listed, std::slice::from_ref(&found), "both ways to read it tell the same");
            found
        };
        record_metrics(&db.write, id, &little(), at(8, 0)).await.unwrap();
        assert_eq!((newest().await.stars_count, counts(&newest().await)), (3, [UNKNOWN; 4]));

        // A zero that was told is one.
        let some = RepositoryFacts { forks: Some(0), open_issues: Some(5), ..little() };
        record_metrics(&db.write, id, &some, at(9, 0)).await.unwrap();
        assert_eq!(counts(&newest().await), [(0, true), UNKNOWN, (5, true), UNKNOWN]);

        // A search tells less than the page of one repository: what is known stays known.
        record_metrics(&db.write, id, &little(), at(10, 0)).await.unwrap();
        assert_eq!(counts(&newest().await), [(0, true), UNKNOWN, (5, true), UNKNOWN]);

        let all = RepositoryFacts { watchers: Some(2), size_kb: Some(64), ..some };
        record_metrics(&db.write, id, &all, at(11, 0)).await.unwrap();
        assert_eq!(counts(&newest().await), [(0, true), (2, true), (5, true), (64, true)]);
    })
    .await;
}

#[tokio::test]
async fn what_a_search_does_not_tell_is_asked_for_by_the_next_round() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let waits =
            async || list_metrics_targets(&db.read, at(7, 0)).await.unwrap().iter().any(|target| target.id == id);
        for (asked, watchers, expected) in
            [(Asked::InSearch, None, true), (Asked::InSearch, Some(2), false), (Asked::ForItself, None, false)]
        {
            let facts = RepositoryFacts { watchers, ..little() };
            record_facts(&db.write, id, &facts, asked, at(8, 0)).await.unwrap();
            assert_eq!(waits().await, expected, "{asked:?} {watchers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn branches_that_are_scanned_beside_follow_their_repository_where_it_goes() {
    on_each_engine(async |db| {
        let id = add_repository(&db, "ada/home").await;
        let staging = pin_branches(&db.write, id, &["staging".to_owned()], at(8, 0)).await.unwrap()[0].0;
        let place = async |id: Uuid| {
            let found = find_repository(&db.read, id).await.unwrap().unwrap();
            (found.full_name, found.url)
        };
        let facts = RepositoryFacts {
            owner: "kim".to_owned(),
            full_name: "kim/home".to_owned(),
            clone_url: "https://github.com/kim/home".to_owned(),
            ..little()
        };
        let told = |name: &str, url: &str| (name.to_owned(), url.to_owned());
        record_facts(&db.write, id, &facts, Asked::ForItself, at(9, 0)).await.unwrap();
        // The configuration wrote the address down.
        assert_eq!(place(id).await, told("kim/home", "https://github.com/ada/home"));
        assert_eq!(place(staging).await, told("kim/home@staging", "https://github.com/ada/home"));
        db.write.execute_unprepared("UPDATE repository SET origin = 'added'").await.unwrap();
        record_facts(&db.write, id, &facts, Asked::ForItself, at(10, 0)).await.unwrap();
        assert_eq!(place(id).await, told("kim/home", "https://github.com/kim/home"));
        assert_eq!(place(staging).await, told("kim/home@staging", "https://github.com/kim/home"));
        assert_eq!(list_scanned_branches(&db.read, id).await.unwrap().len(), 2);
    })
    .await;
}

/// A snapshot as it was stored before it told what is known.
async fn store_old(db: &Db, repository: Uuid, counts: [i64; 4], hour: u32) {
    let [forks, watchers, issues, size] = counts;
    let insert = format!(
        "INSERT INTO repositorymetrics (id, repository_id, stars_count, forks_count, watchers_count, open_issues_count, \
         size, kubernetes_resources_count, updated_at, recorded_at) \
         VALUES ($1, $2, 9, {forks}, {watchers}, {issues}, {size}, 1, $3, $3)"
    );
    let values = [Uuid::now_v7().into(), repository.into(), at(hour, 0).into()];
    let statement = Statement::from_sql_and_values(db.write.get_database_backend(), insert, values);
    db.write.execute_raw(statement).await.unwrap();
}

#[tokio::test]
async fn snapshots_from_before_keep_their_figures_and_a_zero_that_may_mean_unknown_is_taken_for_it() {
    use store::db::Engine;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(test) = TestDb::open(engine).await else { continue };
        let db = &test.db;
        let (github, gitlab) = (add_repository(db, "ada/home").await, add_repository(db, "kim/lab").await);
        // Back to the twelfth step, whatever has come since.
        let back = u32::try_from(Migrator::migrations().len() - 12).unwrap();
        Migrator::down(&db.write, Some(back)).await.unwrap();
        let provider = "UPDATE repository SET provider = CASE full_name WHEN 'kim/lab' THEN 'gitlab' ELSE 'github' END";
        db.write.execute_unprepared(provider).await.unwrap();
        for repository in [github, gitlab] {
            store_old(db, repository, [0, 0, 0, 0], 8).await;
            store_old(db, repository, [1, 2, 3, 4], 9).await;
        }
        let read = async |repository| -> Vec<[(i64, bool); 4]> {
            list_metrics(&db.read, repository, 10).await.unwrap().data.iter().map(counts).collect()
        };
        Migrator::up(&db.write, None).await.unwrap();
        let told = [(1, true), (2, true), (3, true), (4, true)];
        // GitHub always tells all but who watches.
        assert_eq!(read(github).await, [told, [(0, true), UNKNOWN, (0, true), (0, true)]]);
        assert_eq!(read(gitlab).await, [told, [UNKNOWN; 4]]);
        Migrator::down(&db.write, Some(back)).await.unwrap();
        Migrator::up(&db.write, None).await.unwrap();
        assert_eq!(read(gitlab).await, [told, [UNKNOWN; 4]], "back and forth loses nothing");
        test.close().await;
    }
}
