use entity::kind::{AddVerdict, RepositoryAction};
use entity::view::{Added, OutcomeOf, Refused};
use store::outcomes::{find_outcome, record_outcome};
use uuid::Uuid;

use crate::support::{at, on_each_engine};

#[tokio::test]
async fn an_outcome_comes_back_as_it_was_and_goes_after_a_day() {
    on_each_engine(|db| async move {
        let changed = OutcomeOf::Changed {
            action: RepositoryAction::Delete,
            done: vec![(Uuid::from_u128(7), "ada/one \"<ü>\"".to_owned())],
            refused: vec![Refused { name: "ada/two".to_owned(), reason: "it is so".to_owned() }],
        };
        let added = OutcomeOf::Added(vec![Added {
            url: "https://github.com/ada/one".to_owned(),
            repository_id: None,
            added: false,
            verdict: AddVerdict::Private,
            refused: Some("no".to_owned()),
        }]);
        let first = record_outcome(&db.write, &changed, at(8, 0)).await.unwrap();
        let second = record_outcome(&db.write, &added, at(9, 0)).await.unwrap();
        assert_eq!(find_outcome(&db.read, first).await.unwrap().unwrap().of, changed);
        assert_eq!(find_outcome(&db.read, second).await.unwrap().unwrap().of, added);
        assert_eq!(find_outcome(&db.read, Uuid::from_u128(1)).await.unwrap(), None);
        record_outcome(&db.write, &added, at(8, 30) + chrono::TimeDelta::days(1)).await.unwrap();
        assert_eq!(find_outcome(&db.read, first).await.unwrap(), None);
        assert!(find_outcome(&db.read, second).await.unwrap().is_some());
    })
    .await;
}
