//! Commits with events, and those without that are known all the same.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, JoinType, SelectStatement};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, FromQueryResult, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect, QueryTrait as _,
};
use uuid::Uuid;

use super::{ConnectionTrait, Result, days, events};
use crate::db::select::{count, is_any, is_counted, paged, sum};
use entity::kind::Provider;
use entity::table::{commit, day_total, problem, repository, repository_day};
use entity::value::{ObjectId, StoredTimestamp};
use entity::view::{
    CommitDetail, CommitPlace, CommitRead, CommitSummary, Listing, PageQuery, QuietCommit, Repository, web_url,
};

/// A commit with its repository's name.
#[derive(DerivePartialModel)]
struct CommitRow {
    #[sea_orm(nested)]
    commit: commit::Model,
    #[sea_orm(from_expr = "repository::Column::FullName")]
    repository_full_name: String,
}

impl From<CommitRow> for CommitSummary {
    fn from(CommitRow { commit, repository_full_name }: CommitRow) -> Self {
        Self {
            repository_id: commit.repository_id,
            repository_full_name,
            sha: commit.sha.to_string(),
            sequence: commit.sequence,
            committed_at: commit.committed_at.into(),
            author_name: commit.author_name,
            subject: commit.subject,
            created: commit.created,
            modified: commit.modified,
            deleted: commit.deleted,
            resurrected: commit.resurrected,
        }
    }
}

/// A commit by its hash or a beginning of it (4 digits or more) that fits one commit only, with a page of its events.
pub async fn find_commit(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sha: &str,
    page: PageQuery,
) -> Result<Option<CommitDetail>> {
    let Some((first, last)) = prefix_range(sha) else { return Ok(None) };
    let fitting = commit::Entity::find().inner_join(repository::Entity);
    let fitting = fitting.filter(commit::COLUMN.repository_id.eq(repository));
    let fitting = fitting.filter(commit::Column::Sha.gte(first)).filter(commit::Column::Sha.lte(last));
    let fitting = fitting.order_by_asc(commit::Column::Sha).limit(2);
    let mut fitting: Vec<CommitRow> = fitting.into_partial_model().all(c).await?;
    if fitting.len() > 1 {
        return Ok(None);
    }
    let Some(commit) = fitting.pop().map(CommitSummary::from) else { return Ok(None) };

    let before = nearest(repository, commit::COLUMN.sequence.lt(commit.sequence), Order::Desc);
    let after = nearest(repository, commit::COLUMN.sequence.gt(commit.sequence), Order::Asc);
    let beside = repository::Entity::find_by_id(repository).select_only();
    let beside = beside.columns([repository::Column::Provider, repository::Column::WebUrl]);
    let beside = beside.expr_as(before, "previous").expr_as(after, "next");
    let Some(beside) = beside.into_model::<Beside>().one(c).await? else { return Ok(None) };

    let count = commit.created + commit.modified + commit.deleted + commit.resurrected;
    let data = events::of_commit(c, repository, commit.sequence, page).await?;
    Ok(Some(CommitDetail {
        web_url: web_url(beside.provider, beside.web_url.as_deref(), &commit.sha, None, None),
        previous: beside.previous.map(|sha| sha.to_string()),
        next: beside.next.map(|sha| sha.to_string()),
        events: Listing { data, count: u64::try_from(count).unwrap_or(0) },
        commit,
    }))
}

/// Those of these commits of a repository that changed resources, by their full hashes, in no order.
pub async fn find_commits(c: &impl ConnectionTrait, repository: Uuid, hashes: &[&str]) -> Result<Vec<CommitSummary>> {
    let hashes = hashes.iter().filter_map(|hash| hash.parse::<ObjectId>().ok());
    let rows = commit::Entity::find().inner_join(repository::Entity);
    let rows = rows.filter(commit::COLUMN.repository_id.eq(repository));
    let rows = rows.filter(is_any(commit::Column::Sha.into_expr(), hashes));
    let rows: Vec<CommitRow> = rows.into_partial_model().all(c).await?;
    Ok(rows.into_iter().map(CommitSummary::from).collect())
}

/// The hash of the first commit of these.
fn nearest(repository: Uuid, these: Expr, order: Order) -> SelectStatement {
    let sha = commit::Entity::find().select_only().column(commit::Column::Sha);
    let sha = sha.filter(commit::COLUMN.repository_id.eq(repository)).filter(these);
    sha.order_by(commit::Column::Sequence, order).limit(1).into_query()
}

/// A commit without events: what the clone told of it, else what the repository's own row and its problems name by this hash
/// or a beginning of it that fits one commit only.
pub async fn find_quiet_commit(
    c: &impl ConnectionTrait,
    repository: &Repository,
    sha: &str,
    read: Option<CommitRead>,
) -> Result<Option<QuietCommit>> {
    let known = match &read {
        Some(read) => Some(read.sha.clone()),
        None => known_hash(c, repository, sha).await?,
    };
    let Some(sha) = known else { return Ok(None) };
    let Some((exact, _)) = prefix_range(&sha) else { return Ok(None) };
    let begun = problem::Entity::find().filter(problem::COLUMN.repository_id.eq(repository.id));
    let begun = begun.filter(problem::Column::CommitSha.eq(exact));
    let problems = i64::try_from(count(c, begun).await?).unwrap_or(i64::MAX);

    let is_head = repository.head_commit.as_ref() == Some(&sha);
    // Problems are found by scans alone, so only the head can be unread.
    let place = if is_head && repository.scanned_commit.as_ref() != Some(&sha) {
        CommitPlace::NotScanned
    } else {
        CommitPlace::Scanned
    };
    Ok(Some(QuietCommit {
        repository_id: repository.id,
        repository_full_name: repository.full_name.clone(),
        web_url: web_url(repository.provider, repository.web_url.as_deref(), &sha, None, None),
        place: read.as_ref().map_or(place, |read| read.place),
        committed_at: match &read {
            Some(read) => Some(read.committed_at),
            None => repository.head_committed_at.filter(|_| is_head),
        },
        author_name: read.as_ref().map(|read| read.author_name.clone()),
        subject: read.map(|read| read.subject),
        problems,
        sha,
    }))
}

/// The one commit that the database names by this beginning of its hash.
async fn known_hash(c: &impl ConnectionTrait, repository: &Repository, sha: &str) -> Result<Option<String>> {
    let Some((first, last)) = prefix_range(sha) else { return Ok(None) };
    let hashes = problem::Entity::find().select_only().column(problem::Column::CommitSha).distinct();
    let hashes = hashes.filter(problem::COLUMN.repository_id.eq(repository.id));
    let hashes = hashes.filter(problem::Column::CommitSha.gte(first)).filter(problem::Column::CommitSha.lte(last));
    let hashes: Vec<ObjectId> = hashes.limit(2).into_tuple().all(c).await?;
    let mut known: BTreeSet<String> = hashes.iter().map(ObjectId::to_string).collect();
    let (head, scanned) = (&repository.head_commit, &repository.scanned_commit);
    let begins = sha.to_ascii_lowercase();
    known.extend([head, scanned].into_iter().flatten().filter(|known| known.starts_with(&begins)).cloned());
    let only = known.pop_first();
    Ok(only.filter(|_| known.is_empty()))
}

/// Commits with events of one repository or of all, newest first.
pub async fn list_commits(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    page: PageQuery,
) -> Result<Listing<CommitSummary>> {
    // Days count the same commits, and are few.
    let count: Option<i64> = match repository {
        Some(repository) => {
            let days = repository_day::Entity::find().filter(repository_day::COLUMN.repository_id.eq(repository));
            let commits = sum(repository_day::Column::Commits.into_expr());
            days.select_only().expr_as(commits, "commits").into_tuple().one(c).await?
        }
        None => {
            let commits = sum(day_total::Column::Commits.into_expr());
            day_total::Entity::find().select_only().expr_as(commits, "commits").into_tuple().one(c).await?
        }
    };
    let count = count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    Ok(Listing { data: newest_commits(c, repository, page).await?, count })
}

/// The same page without counting all there are.
pub(crate) async fn newest_commits(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    page: PageQuery,
) -> Result<Vec<CommitSummary>> {
    use commit::Column::{CommittedAt, RepositoryId, Sequence};
    let mut page = page;
    let mut ids = commit::Entity::find().select_only().columns([RepositoryId, Sequence]);
    let mut rows = commit::Entity::find().inner_join(repository::Entity);
    if let Some(repository) = repository {
        ids = ids.filter(commit::COLUMN.repository_id.eq(repository)).order_by_desc(Sequence);
        rows = rows.order_by_desc(Sequence);
    } else {
        let jump = days::jump(c, "commits", page).await?;
        page = jump.page;
        ids = ids.filter(is_counted(RepositoryId));
        if let Some(before) = jump.before {
            ids = ids.filter(commit::COLUMN.committed_at.lt(StoredTimestamp::from(before)));
        }
        ids = ids.order_by_desc(CommittedAt).order_by_desc(RepositoryId).order_by_desc(Sequence);
        rows = rows.order_by_desc(CommittedAt).order_by_desc(RepositoryId).order_by_desc(Sequence);
    }
    let is_wanted = [RepositoryId, Sequence]
        .into_iter()
        .fold(Condition::all(), |all, column| all.add(column.into_expr().equals(("i", column))));
    // Only the page's rows are read whole.
    QuerySelect::query(&mut rows).join_subquery(JoinType::InnerJoin, paged(ids, page).into_query(), "i", is_wanted);
    let rows: Vec<CommitRow> = rows.into_partial_model().all(c).await?;
    Ok(rows.into_iter().map(CommitSummary::from).collect())
}

/// What stands beside a commit.
#[derive(FromQueryResult)]
struct Beside {
    previous: Option<ObjectId>,
    next: Option<ObjectId>,
    provider: Provider,
    web_url: Option<String>,
}

/// The smallest and the largest hash that begin so; nothing for what can't be a hash.
fn prefix_range(sha: &str) -> Option<(ObjectId, ObjectId)> {
    if !(4..=40).contains(&sha.len()) {
        return None;
    }
    let filled = |digit: &str| format!("{sha}{}", digit.repeat(40 - sha.len())).parse().ok();
    Some((filled("0")?, filled("f")?))
}

#[cfg(test)]
mod tests {
    use super::prefix_range;

    #[test]
    fn prefix_stands_for_every_hash_that_begins_so() {
        let (first, last) = prefix_range("abcde").unwrap();
        assert_eq!((first.0[..3].to_vec(), first.0[19]), (vec![0xab, 0xcd, 0xe0], 0));
        assert_eq!((last.0[..3].to_vec(), last.0[19]), (vec![0xab, 0xcd, 0xef], 0xff));
        for bad in ["abc", "xyz12", "", &"a".repeat(41)] {
            assert!(prefix_range(bad).is_none(), "{bad}");
        }
    }
}
