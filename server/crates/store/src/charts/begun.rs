//! Spans that commits began, and those that they followed: what steps are told by.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Order, Query};
use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{ConnectionTrait, Result, VersionSpan};
use crate::db::select::{is_any, is_counted};
use entity::kind::ChartUseKind;
use entity::table::chart_use;
use entity::view::Timestamp;

/// Repositories that one question is about: each is a condition of its own.
pub(crate) const REPOSITORIES: usize = 100;
/// Releases whose earlier spans are asked for by one question.
const RELEASES: usize = 500;
/// What a statement calls the span that a release had before another one.
const HAD: &str = "had";

/// A repository, the place of a commit on its line, and where a document stands.
pub(crate) type Place = (Uuid, i64, String);

/// A span, and where its document stands.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "chart_use::Entity")]
pub(crate) struct Begun {
    #[sea_orm(nested)]
    pub span: VersionSpan,
    pub file_path: String,
    pub kind: ChartUseKind,
    pub name: Option<String>,
}

impl Begun {
    pub fn place(&self) -> Place {
        (self.span.repository_id, self.span.from_sequence, self.file_path.clone())
    }
}

/// Commits of each repository.
pub(crate) fn by_repository(commits: impl Iterator<Item = (Uuid, i64)>) -> Vec<(Uuid, BTreeSet<i64>)> {
    let mut all: HashMap<Uuid, BTreeSet<i64>> = HashMap::new();
    for (repository, sequence) in commits {
        all.entry(repository).or_default().insert(sequence);
    }
    all.into_iter().collect()
}

/// Rows of some commits of some repositories.
pub(crate) fn of_commits<C: ColumnTrait>(repository: C, sequence: C, commits: &[(Uuid, BTreeSet<i64>)]) -> Condition {
    commits.iter().fold(Condition::any(), |any, (id, sequences)| {
        let there = is_any(sequence.into_expr(), sequences.iter().copied());
        any.add(repository.into_expr().eq(*id).and(there))
    })
}

/// Spans that began at places.
pub(crate) async fn begun_at(c: &impl ConnectionTrait, places: &BTreeSet<Place>) -> Result<Vec<Begun>> {
    use chart_use::Column::{FilePath, FromSequence, RepositoryId};
    let mut begun = Vec::new();
    let commits = by_repository(places.iter().map(|(repository, sequence, _)| (*repository, *sequence)));
    for these in commits.chunks(REPOSITORIES) {
        let here = |place: &&Place| these.iter().any(|(repository, _)| *repository == place.0);
        let paths: BTreeSet<&str> = places.iter().filter(here).map(|(.., path)| path.as_str()).collect();
        let spans = chart_use::Entity::find()
            .filter(of_commits(RepositoryId, FromSequence, these))
            .filter(is_any(FilePath.into_expr(), paths));
        begun.extend(spans.into_partial_model::<Begun>().all(c).await?);
    }
    // Of one commit and the path of another nobody asked.
    begun.retain(|one: &Begun| places.contains(&one.place()));
    Ok(begun)
}

/// The newest spans with another version than their releases had before; what wrong clocks tell of the future too. A span may
/// begin with a file that moves or a variable that changes, and one commit may do that to hundreds.
pub(crate) async fn newest_begun(c: &impl ConnectionTrait, limit: u64, now: Timestamp) -> Result<Vec<Begun>> {
    use chart_use::Column::{FromSequence, FromTime, Id, ReleaseId, RepositoryId, Version};
    let future = (now + TimeDelta::days(1)).timestamp();
    let of_had = |column| Expr::col((HAD, column));
    // Looked up for each, along the index of times: as a join it might begin with all releases.
    let had = Query::select()
        .expr(of_had(Version))
        .from_as(chart_use::Entity, HAD)
        .and_where(of_had(ReleaseId).equals((chart_use::Entity, ReleaseId)))
        .and_where(of_had(FromSequence).lt(FromSequence.into_expr()))
        .order_by((HAD, FromSequence), Order::Desc)
        .limit(1)
        .take();
    let begun = chart_use::Entity::find().filter(FromTime.lt(future)).filter(Expr::from(had).ne(Version.into_expr()));
    let begun = begun.filter(is_counted(RepositoryId));
    Ok(begun.order_by_desc(FromTime).order_by_desc(Id).limit(limit).into_partial_model().all(c).await?)
}

/// Spans with those that they followed, in the order of their releases and commits.
pub(crate) async fn with_before(c: &impl ConnectionTrait, mut spans: Vec<VersionSpan>) -> Result<Vec<VersionSpan>> {
    use chart_use::Column::{ReleaseId, ToSequence};
    let began: BTreeSet<i64> = spans.iter().map(|span| span.from_sequence).collect();
    let releases: BTreeSet<i64> = spans.iter().map(|span| span.release_id).collect();
    for these in releases.into_iter().collect::<Vec<_>>().chunks(RELEASES) {
        let before = chart_use::Entity::find()
            .filter(is_any(ReleaseId.into_expr(), these.iter().copied()))
            .filter(is_any(ToSequence.into_expr(), began.iter().copied()));
        spans.extend(before.into_partial_model::<VersionSpan>().all(c).await?);
    }
    spans.sort_unstable_by_key(VersionSpan::key);
    spans.dedup_by_key(|span| span.key());
    Ok(spans)
}
