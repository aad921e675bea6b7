//! A pattern of the configuration that no branch fits now.

use entity::kind::{BranchEventKind, SyncStatus};
use store::db::ConnectionTrait as _;
use store::repositories::sync_target;

use super::branches::Watched;
use crate::support::on_each_engine;

#[tokio::test]
async fn where_no_branch_fits_the_default_one_is_scanned_and_the_next_that_fits_is_noticed() {
    on_each_engine(async |app| {
        let watched = Watched::new(&app.state.db, Some("^release/")).await;
        let db = &watched.bench.deps.db;
        db.write.execute_unprepared("UPDATE repository SET branch_regex = '^release/'").await.unwrap();
        for _ in 0..2 {
            watched.look().await;
            let seen = watched.bench.repository(watched.repository).await;
            assert_eq!((seen.sync_status, seen.default_branch.as_str()), (SyncStatus::Success, "main"));
            let target = sync_target(&db.read, watched.repository).await.unwrap().unwrap();
            assert_eq!(target.sync_failures, 0, "it is looked at as often as ever");
        }
        watched.origin.git(&["branch", "release/1"]);
        watched.look().await;
        let events = watched.events().await;
        let told: Vec<_> = events.iter().map(|event| (event.branch_name.as_str(), event.kind)).collect();
        assert_eq!(told, [("release/1", BranchEventKind::BranchCreated)]);
        let seen = watched.bench.repository(watched.repository).await;
        assert_eq!((seen.sync_status, seen.default_branch.as_str()), (SyncStatus::Success, "release/1"));
    })
    .await;
}
