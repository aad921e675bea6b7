//! Schedules and outcomes that another version of the program stored.

use entity::kind::JobKind;
use entity::view::OutcomeOf;
use store::db::ConnectionTrait as _;
use store::outcomes::{find_outcome, record_outcome};
use store::schedules::{
    PlannedSchedule, ScheduleTime, find_schedule_kind, list_schedule_times, list_schedules, move_schedule_on,
    record_scheduled_job, upsert_schedules,
};
use uuid::Uuid;

use crate::support::{at, on_each_engine};

#[tokio::test]
async fn a_schedule_of_another_version_is_shown_to_nobody_and_goes_with_the_next_start() {
    on_each_engine(async |db| {
        let prune = PlannedSchedule {
            name: "prune",
            kind: JobKind::Prune,
            cron: "45 3 * * *".to_owned(),
            enabled: true,
            next_run_at: Some(at(3, 45)),
        };
        upsert_schedules(&db.write, std::slice::from_ref(&prune)).await.unwrap();
        let other =
            "INSERT INTO schedule (name, kind, cron, enabled) VALUES ('dance', 'dance_all_night', '* * * * *', TRUE)";
        db.write.execute_unprepared(other).await.unwrap();
        let names = async || list_schedules(&db.read).await.unwrap().into_iter().map(|s| s.name).collect::<Vec<_>>();
        assert_eq!(names().await, ["prune"]);
        assert_eq!(find_schedule_kind(&db.read, "prune").await.unwrap(), Some(JobKind::Prune));
        assert_eq!(find_schedule_kind(&db.read, "dance").await.unwrap(), None);
        assert_eq!(list_schedule_times(&db.read).await.unwrap().len(), 2);
        upsert_schedules(&db.write, &[prune]).await.unwrap();
        assert_eq!(list_schedule_times(&db.read).await.unwrap().len(), 1);
        upsert_schedules(&db.write, &[]).await.unwrap();
        assert_eq!(names().await, ["prune"], "a program without schedules says nothing of them");
    })
    .await;
}

#[tokio::test]
async fn a_corrected_time_is_no_run_and_a_schedule_without_a_time_is_guarded_too() {
    on_each_engine(async |db| {
        let off = PlannedSchedule {
            name: "prune",
            kind: JobKind::Prune,
            cron: "45 3 * * *".to_owned(),
            enabled: true,
            next_run_at: None,
        };
        upsert_schedules(&db.write, &[off]).await.unwrap();
        let read = ScheduleTime { name: "prune".to_owned(), next_run_at: None };
        assert!(move_schedule_on(&db.write, &read, Some(at(3, 45)), None).await.unwrap());
        assert!(!move_schedule_on(&db.write, &read, Some(at(4, 45)), None).await.unwrap());
        record_scheduled_job(&db.write, "prune", Uuid::from_u128(7)).await.unwrap();
        let schedule = list_schedules(&db.read).await.unwrap().remove(0);
        assert_eq!((schedule.total_runs, schedule.last_run_at), (0, None));
        assert_eq!((schedule.next_run_at, schedule.last_job), (Some(at(3, 45)), None));
    })
    .await;
}

#[tokio::test]
async fn an_outcome_of_another_version_counts_as_not_there() {
    on_each_engine(async |db| {
        let id = record_outcome(&db.write, &OutcomeOf::Nothing("it is so".to_owned()), at(8, 0)).await.unwrap();
        assert!(find_outcome(&db.read, id).await.unwrap().is_some());
        db.write.execute_unprepared("UPDATE outcome SET body = '{\"Danced\":1}'").await.unwrap();
        assert_eq!(find_outcome(&db.read, id).await.unwrap(), None);
    })
    .await;
}
