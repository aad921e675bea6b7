//! Totals over all repositories. A transaction gathers by how much it changes them and writes that once, last and in
//! one order: locks are held for a moment only, and two transactions never wait for each other in a circle. Rows that
//! come down to nothing stay; who reads leaves them out.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Expr, Func};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use crate::charts::time;
use crate::db::bulk::Bulk;
use crate::db::upsert::sum_up;
use crate::db::{Result, new_id};
use entity::kind::{Facet, ResourceStatus};
use entity::table::{day_total, facet_total, group_total, repository_day, repository_facet, resource, stale_day};
use entity::value::is_uncounted;
use entity::view::Timestamp;

/// By how much totals change, or what of them is one repository's.
#[derive(Default)]
pub(crate) struct Totals {
    /// Active and deleted resources by kind and name.
    pub(super) groups: BTreeMap<(String, String), [i64; 2]>,
    /// Active and deleted resources by facet and value.
    pub(super) facets: BTreeMap<(Facet, String), [i64; 2]>,
    /// Created, modified, deleted, resurrected, commits, changes of versions.
    pub(super) days: BTreeMap<String, [i64; 6]>,
    /// Days from which on statistics are stale.
    pub(super) stale: BTreeSet<String>,
}

impl Totals {
    /// All that is in the totals because of one repository.
    pub(crate) async fn of(c: &impl ConnectionTrait, repository: Uuid) -> Result<Self> {
        let mut totals = Self::default();
        totals.read_facets(c, repository, 1).await?;
        let count = |condition: Expr| Func::count(Expr::case(condition, 1));
        let groups = resource::Entity::find()
            .filter(resource::COLUMN.repository_id.eq(repository))
            .select_only()
            .columns([resource::Column::Kind, resource::Column::Name])
            .expr(count(resource::Column::Status.eq(ResourceStatus::Active)))
            .expr(count(resource::Column::Status.ne(ResourceStatus::Active)))
            .group_by(resource::Column::Kind)
            .group_by(resource::Column::Name);
        let groups: Vec<(String, String, i64, i64)> = groups.into_tuple().all(c).await?;
        totals.groups =
            groups.into_iter().map(|(kind, name, active, deleted)| ((kind, name), [active, deleted])).collect();
        let of = repository_day::COLUMN.repository_id.eq(repository);
        for day in repository_day::Entity::find().filter(of).all(c).await? {
            let counts = [day.created, day.modified, day.deleted, day.resurrected, day.commits, day.version_changes];
            totals.days.insert(day.day, counts);
        }
        Ok(totals)
    }

    /// Adds a repository's facets as they are stored, or takes them off (`sign` -1).
    pub(super) async fn read_facets(&mut self, c: &impl ConnectionTrait, repository: Uuid, sign: i64) -> Result<()> {
        let of = repository_facet::COLUMN.repository_id.eq(repository);
        for row in repository_facet::Entity::find().filter(of).all(c).await? {
            add(self.facets.entry((row.facet, row.value)).or_default(), [row.active, row.deleted], sign);
        }
        Ok(())
    }

    /// Takes others off.
    pub(crate) fn subtract(&mut self, other: Self) {
        for (key, counts) in other.groups {
            add(self.groups.entry(key).or_default(), counts, -1);
        }
        for (key, counts) in other.facets {
            add(self.facets.entry(key).or_default(), counts, -1);
        }
        for (day, counts) in other.days {
            add(self.days.entry(day).or_default(), counts, -1);
        }
    }

    /// Marks the day of the first commit that changed what is used, by its time in seconds since 1970: charts may come and go with
    /// a commit that changed no resource.
    pub(crate) fn mark_used(&mut self, first: Option<i64>) {
        self.stale.extend(first.map(|first| time(first).date_naive().to_string()));
    }

    /// Marks the first of the days that change.
    pub(crate) fn mark_changed_days(&mut self) {
        if let Some((day, _)) = self.days.iter().find(|(_, counts)| **counts != [0; 6]) {
            self.stale.insert(day.clone());
        }
    }

    /// Adds everything, which is of one repository, to what is stored: the last statements of a transaction. Nothing of one that
    /// does not count.
    pub(crate) async fn write(self, c: &impl ConnectionTrait, repository: Uuid) -> Result<()> {
        if is_uncounted(repository) {
            return Ok(());
        }
        let group = |(kind, name): (String, String), [active, deleted]: [i64; 2]| group_total::ActiveModel {
            kind: Set(kind),
            name: Set(name),
            active: Set(active),
            deleted: Set(deleted),
        };
        write_changed(c, self.groups, group).await?;
        let facet = |(facet, value): (Facet, String), [active, deleted]: [i64; 2]| facet_total::ActiveModel {
            facet: Set(facet),
            value: Set(value),
            active: Set(active),
            deleted: Set(deleted),
        };
        write_changed(c, self.facets, facet).await?;
        let day = |day: String, [created, modified, deleted, resurrected, commits, version_changes]: [i64; 6]| {
            day_total::ActiveModel {
                day: Set(day),
                created: Set(created),
                modified: Set(modified),
                deleted: Set(deleted),
                resurrected: Set(resurrected),
                commits: Set(commits),
                version_changes: Set(version_changes),
            }
        };
        write_changed(c, self.days, day).await?;
        // A mark is a row of its own: nobody waits for anybody, and no mark is lost to who deletes those it has read.
        if let Some(day) = self.stale.first() {
            mark_stale(c, day).await?;
        }
        Ok(())
    }
}

/// Says that statistics from this day on are to be computed again.
pub(crate) async fn mark_stale(c: &impl ConnectionTrait, day: &str) -> Result<()> {
    // Marks need an id, but no order.
    let mark = stale_day::ActiveModel { id: Set(new_id(Timestamp::UNIX_EPOCH)), day: Set(day.to_owned()) };
    stale_day::Entity::insert(mark).exec_without_returning(c).await?;
    Ok(())
}

fn add<const N: usize>(to: &mut [i64; N], counts: [i64; N], sign: i64) {
    for (to, count) in to.iter_mut().zip(counts) {
        *to += sign * count;
    }
}

/// Adds those that change, in the order of their keys.
async fn write_changed<K, A, const N: usize>(
    c: &impl ConnectionTrait,
    changes: BTreeMap<K, [i64; N]>,
    row: impl Fn(K, [i64; N]) -> A,
) -> Result<()>
where
    A: ActiveModelTrait,
{
    let mut bulk = Bulk::<_, A::Entity>::new(c).on_conflict(sum_up::<A::Entity>());
    for (key, counts) in changes.into_iter().filter(|(_, counts)| *counts != [0; N]) {
        bulk.push(row(key, counts)).await?;
    }
    bulk.finish().await?;
    Ok(())
}
