//! Histories that do not simply go on.

use entity::kind::SyncStatus;
use store::db::Db;
use uuid::Uuid;

use super::repository::{Bench, Origins};
use crate::support::on_each_engine;

fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: {value}}}\n")
}

/// A few commits: two config maps, one changed, one removed and back.
fn some_history(origin: &Origins) {
    origin.commit("add both", &[("a.yaml", Some(&config_map("a", "1"))), ("b.yaml", Some(&config_map("b", "1")))]);
    origin.commit("change a", &[("a.yaml", Some(&config_map("a", "2")))]);
    origin.commit("remove b", &[("b.yaml", None)]);
    origin.commit("break a", &[("a.yaml", Some("a: [\n"))]);
    origin.commit(
        "mend a, b is back",
        &[("a.yaml", Some(&config_map("a", "3"))), ("b.yaml", Some(&config_map("b", "1")))],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_scanned_one_by_one_give_the_rows_of_one_scan() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        let steps = Bench::new(&db);
        let repository = steps.pin(&origin.path()).await;
        origin.commit("add", &[("a.yaml", Some(&config_map("a", "1")))]);
        steps.bring_up_to_date(repository).await;
        origin.commit("change", &[("a.yaml", Some(&config_map("a", "2"))), ("b/b.yaml", Some(&config_map("b", "1")))]);
        steps.bring_up_to_date(repository).await;
        origin.commit("move", &[("a.yaml", None), ("c/a.yaml", Some(&config_map("a", "2")))]);
        steps.bring_up_to_date(repository).await;
        origin.commit("nothing", &[]);
        steps.bring_up_to_date(repository).await;
        let by_steps = steps.rows().await;
        let events = steps.repository(repository).await.counts.events;
        assert_eq!(events, 4, "{by_steps:#?}");

        assert_eq!(first_scan(&db, repository, &origin).await, by_steps);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rewritten_history_gives_the_rows_of_a_first_scan() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        some_history(&origin);
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;

        origin.git(&["reset", "--quiet", "--hard", "HEAD~3"]);
        origin
            .commit("another way", &[("b.yaml", Some(&config_map("b", "9"))), ("c.yaml", Some("x: {{ no }}\ny: [\n"))]);
        bench.bring_up_to_date(repository).await;

        origin.git(&["checkout", "--quiet", "--orphan", "fresh"]);
        origin.commit("begin anew", &[]);
        origin.git(&["branch", "--quiet", "-M", "fresh", "main"]);
        bench.bring_up_to_date(repository).await;
        let rewritten = bench.rows().await;
        assert_eq!(without_texts(rewritten), without_texts(first_scan(&db, repository, &origin).await));
    })
    .await;
}

/// The rows of a repository that is scanned for the first time.
async fn first_scan(db: &Db, before: Uuid, origin: &Origins) -> Vec<String> {
    store::repositories::remove_repository(&db.write, before).await.unwrap();
    let bench = Bench::new(db);
    let repository = bench.pin(&origin.path()).await;
    bench.bring_up_to_date(repository).await;
    bench.rows().await
}

/// Texts are kept once for the whole database, also those that nothing points to any more.
fn without_texts(rows: Vec<String>) -> Vec<String> {
    rows.into_iter().filter(|row| !row.starts_with("4:")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_in_the_middle_gives_the_rows_of_a_first_scan() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        some_history(&origin);
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        origin.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
        origin.commit("another way", &[("b.yaml", Some(&config_map("b", "9"))), ("c.yaml", Some("y: [\n"))]);
        bench.bring_up_to_date(repository).await;
        let rewritten = bench.rows().await;
        assert_eq!(without_texts(rewritten), without_texts(first_scan(&db, repository, &origin).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_branch_goes_on_and_a_missing_repository_keeps_what_was_found() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        some_history(&origin);
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        bench.bring_up_to_date(repository).await;
        let before = bench.rows().await;

        origin.git(&["branch", "--quiet", "-m", "main", "trunk"]);
        bench.bring_up_to_date(repository).await;
        assert_eq!(bench.repository(repository).await.default_branch, "trunk");
        assert_eq!(bench.rows().await, before);

        std::fs::rename(origin.path(), origin.folder.path().join("elsewhere")).unwrap();
        assert!(bench.sync(repository).await.is_err());
        let seen = bench.repository(repository).await;
        assert_eq!(seen.sync_status, SyncStatus::Error);
        assert!(seen.sync_error.unwrap().contains("no Git repository"));
        assert_eq!(bench.rows().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_repository_is_no_error_and_an_emptied_tree_deletes_all() {
    on_each_engine(async |app| {
        let db = app.state.db.clone();
        let origin = Origins::new();
        let bench = Bench::new(&db);
        let repository = bench.pin(&origin.path()).await;
        bench.sync(repository).await.unwrap();
        assert_eq!(bench.repository(repository).await.sync_status, SyncStatus::Success);

        origin.commit("add", &[("a.yaml", Some(&config_map("a", "1")))]);
        bench.bring_up_to_date(repository).await;
        origin.commit("empty", &[("a.yaml", None)]);
        bench.bring_up_to_date(repository).await;
        let counts = bench.repository(repository).await.counts;
        assert_eq!((counts.active_resources, counts.deleted_resources, counts.events), (0, 1, 2));
    })
    .await;
}
