//! Totals over all repositories. A transaction gathers by how much it changes them and writes that once, last and in
//! one order: locks are held for a moment only, and two transactions never wait for each other in a circle. Rows that
//! come down to nothing stay; who reads leaves them out.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::bulk::Bulk;
use crate::db::sql::Sql;
use crate::db::{Result, new_id};
use entity::view::Timestamp;

/// By how much totals change, or what of them is one repository's.
#[derive(Default)]
pub(crate) struct Totals {
    /// Active and deleted resources by kind and name.
    pub(super) groups: BTreeMap<(String, String), [i64; 2]>,
    /// Active and deleted resources by facet and value.
    pub(super) facets: BTreeMap<(String, String), [i64; 2]>,
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
        let mut sql = Sql::new(
            "SELECT kind, name, COUNT(CASE WHEN status = 'ACTIVE' THEN 1 END), \
             COUNT(CASE WHEN status <> 'ACTIVE' THEN 1 END) FROM kubernetesresource WHERE repository_id = ",
        );
        sql.bind(repository).push(" GROUP BY kind, name");
        for row in sql.rows(c).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            totals.groups.insert(key, [row.try_get_by_index(2)?, row.try_get_by_index(3)?]);
        }
        let mut sql = Sql::new(
            "SELECT day, created, modified, deleted, resurrected, commits, version_changes FROM repository_day \
             WHERE repository_id = ",
        );
        sql.bind(repository);
        for row in sql.rows(c).await? {
            let mut counts = [0; 6];
            for (place, count) in counts.iter_mut().enumerate() {
                *count = row.try_get_by_index(place + 1)?;
            }
            totals.days.insert(row.try_get_by_index(0)?, counts);
        }
        Ok(totals)
    }

    /// Adds a repository's facets as they are stored, or takes them off (`sign` -1).
    pub(super) async fn read_facets(&mut self, c: &impl ConnectionTrait, repository: Uuid, sign: i64) -> Result<()> {
        let mut sql = Sql::new("SELECT facet, value, active, deleted FROM repository_facet WHERE repository_id = ");
        sql.bind(repository);
        for row in sql.rows(c).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let (active, deleted): (i64, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            add(self.facets.entry(key).or_default(), [active, deleted], sign);
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

    /// Statistics from this day on have to be computed again.
    pub(crate) fn mark_stale(&mut self, day: impl Into<String>) {
        self.stale.insert(day.into());
    }

    /// Marks the first of the days that change.
    pub(crate) fn mark_changed_days(&mut self) {
        if let Some((day, _)) = self.days.iter().find(|(_, counts)| **counts != [0; 6]) {
            self.stale.insert(day.clone());
        }
    }

    /// Adds everything to what is stored: the last statements of a transaction.
    pub(crate) async fn write(self, c: &impl ConnectionTrait) -> Result<()> {
        let tail = " ON CONFLICT (kind, name) DO UPDATE SET active = group_total.active + excluded.active, \
                    deleted = group_total.deleted + excluded.deleted";
        write_pairs(c, "INSERT INTO group_total (kind, name, active, deleted)", tail, &self.groups).await?;
        let tail = " ON CONFLICT (facet, value) DO UPDATE SET active = facet_total.active + excluded.active, \
                    deleted = facet_total.deleted + excluded.deleted";
        write_pairs(c, "INSERT INTO facet_total (facet, value, active, deleted)", tail, &self.facets).await?;

        let head = "INSERT INTO day_total (day, created, modified, deleted, resurrected, commits, version_changes)";
        let tail = " ON CONFLICT (day) DO UPDATE SET created = day_total.created + excluded.created, \
            modified = day_total.modified + excluded.modified, deleted = day_total.deleted + excluded.deleted, \
            resurrected = day_total.resurrected + excluded.resurrected, \
            commits = day_total.commits + excluded.commits, \
            version_changes = day_total.version_changes + excluded.version_changes";
        let mut bulk = Bulk::new(c, head, tail, 7);
        for (day, [created, modified, deleted, resurrected, commits, version_changes]) in &self.days {
            let counts = [created, modified, deleted, resurrected, commits, version_changes];
            if counts.iter().any(|count| **count != 0) {
                let [created, modified, deleted, resurrected, commits, version_changes] =
                    counts.map(|count| Value::from(*count));
                let day = day.as_str().into();
                bulk.push([day, created, modified, deleted, resurrected, commits, version_changes]).await?;
            }
        }
        bulk.finish().await?;
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
    let mut sql = Sql::new("INSERT INTO stale_day (id, day) VALUES (");
    sql.bind(new_id(Timestamp::UNIX_EPOCH)).push(", ").bind(day).push(")");
    sql.run(c).await?;
    Ok(())
}

fn add<const N: usize>(to: &mut [i64; N], counts: [i64; N], sign: i64) {
    for (to, count) in to.iter_mut().zip(counts) {
        *to += sign * count;
    }
}

async fn write_pairs(
    c: &impl ConnectionTrait,
    head: &str,
    tail: &str,
    pairs: &BTreeMap<(String, String), [i64; 2]>,
) -> Result<()> {
    let mut bulk = Bulk::new(c, head, tail, 4);
    for ((first, second), [active, deleted]) in pairs.iter().filter(|(_, counts)| **counts != [0, 0]) {
        let row: [Value; 4] = [first.as_str().into(), second.as_str().into(), (*active).into(), (*deleted).into()];
        bulk.push(row).await?;
    }
    bulk.finish().await?;
    Ok(())
}
