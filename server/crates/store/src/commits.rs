//! Commits with events, and those without that are known all the same.

use std::collections::BTreeSet;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{ConnectionTrait, Result, days, events};
use crate::db::sql::{Sql, stored_time};
use crate::row::{CommitRow, hex};
use entity::kind::Provider;
use entity::view::{
    CommitDetail, CommitPlace, CommitRead, CommitSummary, Listing, PageQuery, QuietCommit, Repository, web_url,
};

/// A commit by its hash or a beginning of it (4 digits or more) that fits one commit only, with a page of its events.
pub async fn find_commit(
    c: &impl ConnectionTrait,
    repository: Uuid,
    sha: &str,
    page: PageQuery,
) -> Result<Option<CommitDetail>> {
    let Some((first, last)) = prefix_range(sha) else { return Ok(None) };
    let mut sql = Sql::new(CommitRow::SELECT);
    sql.push(" WHERE k.repository_id = ").bind(repository);
    sql.push(" AND k.sha >= ").bind(first).push(" AND k.sha <= ").bind(last).push(" ORDER BY k.sha LIMIT 2");
    let mut fitting = sql.all::<CommitRow>(c).await?;
    if fitting.len() > 1 {
        return Ok(None);
    }
    let Some(commit) = fitting.pop().map(CommitRow::into_view) else { return Ok(None) };

    let mut sql = Sql::new("SELECT (SELECT p.sha FROM \"commit\" p WHERE p.repository_id = r.id AND p.sequence < ");
    sql.bind(commit.sequence).push(" ORDER BY p.sequence DESC LIMIT 1) AS previous, ");
    sql.push("(SELECT n.sha FROM \"commit\" n WHERE n.repository_id = r.id AND n.sequence > ");
    sql.bind(commit.sequence).push(" ORDER BY n.sequence LIMIT 1) AS next, r.provider, r.web_url ");
    sql.push("FROM repository r WHERE r.id = ").bind(repository);
    let Some(beside) = sql.one::<Beside>(c).await? else { return Ok(None) };

    let count = commit.created + commit.modified + commit.deleted + commit.resurrected;
    let data = events::of_commit(c, repository, commit.sequence, page).await?;
    Ok(Some(CommitDetail {
        web_url: web_url(beside.provider, beside.web_url.as_deref(), &commit.sha, None, None),
        previous: beside.previous.as_deref().map(hex),
        next: beside.next.as_deref().map(hex),
        events: Listing { data, count: u64::try_from(count).unwrap_or(0) },
        commit,
    }))
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
    let mut count = Sql::new("SELECT COUNT(*) FROM problem WHERE repository_id = ");
    count.bind(repository.id).push(" AND commit_sha = ").bind(exact);
    let problems = i64::try_from(count.count(c).await?).unwrap_or(i64::MAX);

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
    let mut sql = Sql::new("SELECT DISTINCT commit_sha AS sha FROM problem WHERE repository_id = ");
    sql.bind(repository.id).push(" AND commit_sha >= ").bind(first).push(" AND commit_sha <= ").bind(last);
    sql.push(" LIMIT 2");
    let mut known: BTreeSet<String> = sql.all::<Hash>(c).await?.into_iter().map(|row| hex(&row.sha)).collect();
    let (head, scanned) = (&repository.head_commit, &repository.scanned_commit);
    let begins = sha.to_ascii_lowercase();
    known.extend([head, scanned].into_iter().flatten().filter(|known| known.starts_with(&begins)).cloned());
    let only = known.pop_first();
    Ok(only.filter(|_| known.is_empty()))
}

#[derive(FromQueryResult)]
struct Hash {
    sha: Vec<u8>,
}

/// Commits with events of one repository or of all, newest first.
pub async fn list_commits(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    page: PageQuery,
) -> Result<Listing<CommitSummary>> {
    // Days count the same commits, and are few.
    let mut count = Sql::new("SELECT CAST(SUM(commits) AS BIGINT) FROM ");
    match repository {
        Some(repository) => count.push("repository_day WHERE repository_id = ").bind(repository),
        None => count.push("day_total"),
    };
    Ok(Listing { data: newest_commits(c, repository, page).await?, count: count.count(c).await? })
}

/// The same page without counting all there are.
pub(crate) async fn newest_commits(
    c: &impl ConnectionTrait,
    repository: Option<Uuid>,
    page: PageQuery,
) -> Result<Vec<CommitSummary>> {
    let mut ids = Sql::new("SELECT k.repository_id, k.sequence FROM \"commit\" k");
    let mut page = page;
    if let Some(repository) = repository {
        ids.push(" WHERE k.repository_id = ").bind(repository).push(" ORDER BY k.sequence DESC");
    } else {
        let jump = days::jump(c, "commits", page).await?;
        page = jump.page;
        if let Some(before) = jump.before {
            ids.push(" WHERE k.committed_at < ").bind(stored_time(before));
        }
        ids.push(" ORDER BY k.committed_at DESC, k.repository_id DESC, k.sequence DESC");
    }
    ids.page(page);
    let mut rows = Sql::new(CommitRow::SELECT);
    rows.push(" JOIN (").append(&ids).push(") i ON i.repository_id = k.repository_id AND i.sequence = k.sequence");
    rows.push(match repository {
        Some(_) => " ORDER BY k.sequence DESC",
        None => " ORDER BY k.committed_at DESC, k.repository_id DESC, k.sequence DESC",
    });
    Ok(rows.all::<CommitRow>(c).await?.into_iter().map(CommitRow::into_view).collect())
}

/// What stands beside a commit.
#[derive(FromQueryResult)]
struct Beside {
    previous: Option<Vec<u8>>,
    next: Option<Vec<u8>>,
    provider: Provider,
    web_url: Option<String>,
}

/// The smallest and the largest hash that begin so; nothing for what can't be a hash.
fn prefix_range(sha: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if !(4..=40).contains(&sha.len()) || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes = |fill: char| {
        let full: Vec<u8> = sha.chars().chain(std::iter::repeat(fill)).take(40).map(|c| c as u8).collect();
        full.chunks_exact(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect::<Option<Vec<u8>>>()
    };
    Some((bytes('0')?, bytes('f')?))
}

#[cfg(test)]
mod tests {
    use super::prefix_range;

    #[test]
    fn prefix_stands_for_every_hash_that_begins_so() {
        let (first, last) = prefix_range("abcde").unwrap();
        assert_eq!((first[..3].to_vec(), first[19]), (vec![0xab, 0xcd, 0xe0], 0));
        assert_eq!((last[..3].to_vec(), last[19]), (vec![0xab, 0xcd, 0xef], 0xff));
        for bad in ["abc", "xyz12", "", &"a".repeat(41)] {
            assert!(prefix_range(bad).is_none(), "{bad}");
        }
    }
}
