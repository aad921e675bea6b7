//! Answers that are kept until something is stored that may change them: what everybody asks is put together once.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};
use uuid::Uuid;

use super::select::{count_all, sum};
use super::upsert::excluded;
use super::{ConnectionTrait, Db, Result};
use entity::table::repository_change;
use entity::view::Timestamp;

/// So many are kept; those that nobody asked for longest go first.
const KEPT: usize = 128;
/// A longer question is somebody's own.
const LONGEST: usize = 400;

/// What was stored when an answer was put together: how many repositories changed ever, and when they did last, added up.
type Version = (i64, i64);

/// Answers by their questions; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Places>>);

#[derive(Default)]
struct Places {
    by_question: HashMap<String, Place>,
    asked: u64,
}

struct Place {
    answer: Answer,
    last_asked: u64,
}

/// Who asks what is being put together waits for it, rather than doing the same again.
type Answer = Arc<tokio::sync::Mutex<Option<(Version, Arc<dyn Any + Send + Sync>)>>>;

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

impl Answers {
    fn place(&self, question: String) -> Answer {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.asked += 1;
        let asked = places.asked;
        if places.by_question.len() >= KEPT && !places.by_question.contains_key(&question) {
            let oldest = places.by_question.iter().min_by_key(|(_, place)| place.last_asked);
            if let Some(oldest) = oldest.map(|(question, _)| question.clone()) {
                places.by_question.remove(&oldest);
            }
        }
        let new = || Place { answer: Answer::default(), last_asked: asked };
        let place = places.by_question.entry(question).or_insert_with(new);
        place.last_asked = asked;
        Arc::clone(&place.answer)
    }
}

impl Db {
    /// The answer to a question, from before where nothing has been stored since. Two questions may not have the same words.
    pub(crate) async fn kept<T, F>(&self, question: String, ask: impl FnOnce() -> F) -> Result<T>
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T>>,
    {
        if question.len() > LONGEST {
            return ask().await;
        }
        let place = self.answers.place(question);
        let mut place = place.lock().await;
        // Before the question: what is stored meanwhile makes the answer newer than it says, and it is not given again.
        let version = version(&self.read).await?;
        // A replica may be behind what was kept from another: nobody is told what was before.
        let is_new = |of: &Version| *of == version || (self.replica.is_some() && *of > version);
        let known = place.as_ref().filter(|(of, _)| is_new(of)).and_then(|(_, answer)| answer.downcast_ref::<T>());
        if let Some(answer) = known {
            return Ok(answer.clone());
        }
        let answer = ask().await?;
        // Without a row, nothing can say that days were computed of what is no longer there.
        if version.0 > 0 {
            *place = Some((version, Arc::new(answer.clone())));
        }
        Ok(answer)
    }
}

async fn version(c: &impl ConnectionTrait) -> Result<Version> {
    let changes = repository_change::Entity::find().select_only().expr(count_all());
    let changes = changes.expr(sum(repository_change::Column::Changed.into_expr()));
    Ok(changes.into_tuple().one(c).await?.unwrap_or_default())
}

/// Notes that something was stored of a repository: with it, or after it.
pub(crate) async fn mark_changed(c: &impl ConnectionTrait, repository: Uuid, now: Timestamp) -> Result<()> {
    use repository_change::Column::{Changed, RepositoryId};
    let known = || Expr::col((repository_change::Entity, Changed));
    let later = Expr::case(known().gte(excluded(Changed)), known().add(1)).finally(excluded(Changed));
    let row = repository_change::ActiveModel { repository_id: Set(repository), changed: Set(now.timestamp_millis()) };
    let again = OnConflict::column(RepositoryId).value(Changed, later).to_owned();
    repository_change::Entity::insert(row).on_conflict(again).exec_without_returning(c).await?;
    Ok(())
}

/// Notes that something was stored of all repositories together: one of their rows moves on, as it is sums that are compared.
/// Where there is none, nothing is kept.
pub(crate) async fn mark_all_changed(c: &impl ConnectionTrait) -> Result<()> {
    use repository_change::Column::{Changed, RepositoryId};
    let rows = repository_change::Entity::find().select_only().column(RepositoryId).order_by_asc(RepositoryId);
    while let Some(first) = rows.clone().into_tuple::<Uuid>().one(c).await? {
        let moved = repository_change::Entity::update_many().col_expr(Changed, Changed.into_expr().add(1));
        // One whose repository was removed meanwhile is not found again.
        if moved.filter(repository_change::COLUMN.repository_id.eq(first)).exec(c).await?.rows_affected > 0 {
            break;
        }
    }
    Ok(())
}
