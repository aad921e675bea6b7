//! What repositories use, kept for their next commits: commits come in runs, and to read a whole tree for each of them takes
//! longer than everything else.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use entity::input::ScannedCommit;
use scan::uses::{Evaluator, Tracker};
use uuid::Uuid;

/// For so long after its last scan a repository is kept.
const KEEP: Duration = Duration::from_mins(10);
/// Bytes of YAML in the trees that are kept; in memory a tree takes about ten times as much. Real repositories have one million.
const MAX_BYTES: usize = 8 << 20;

/// What a repository uses at a commit, of which the database holds the same.
pub struct Followed {
    pub(super) evaluator: Evaluator,
    pub(super) tracker: Tracker,
    /// The commit up to which the tracker was told what is stored.
    pub(super) sequence: i64,
    /// Bytes of YAML that were read: of the tree, and of every commit since, so that one whose commits grow is read anew in time.
    pub(super) bytes: usize,
}

struct Entry {
    repository: Uuid,
    /// The commit, and the rules by which it was read.
    at: (ScannedCommit, i64),
    followed: Followed,
    used: Instant,
}

/// A few repositories' uses. A scan takes one out and puts it back when all is stored: what a scan leaves behind that failed is
/// never used.
#[derive(Clone, Default)]
pub struct KeptUses(Arc<Mutex<Vec<Entry>>>);

impl KeptUses {
    /// A repository's uses at a commit by rules; those of another commit are forgotten.
    #[must_use]
    pub fn take(&self, repository: Uuid, at: ScannedCommit, format: i64) -> Option<Followed> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = entries.iter().position(|entry| entry.repository == repository)?;
        let entry = entries.swap_remove(place);
        (entry.at == (at, format)).then_some(entry.followed)
    }

    /// Keeps what a repository uses at a commit that is stored, where it is small enough; those go that were used longest ago.
    pub fn put(&self, repository: Uuid, at: ScannedCommit, format: i64, followed: Followed) {
        if followed.bytes > MAX_BYTES {
            return;
        }
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.repository != repository);
        entries.push(Entry { repository, at: (at, format), followed, used: Instant::now() });
        entries.sort_by_key(|entry| entry.used);
        let mut bytes: usize = entries.iter().map(|entry| entry.followed.bytes).sum();
        while bytes > MAX_BYTES && entries.len() > 1 {
            bytes -= entries.remove(0).followed.bytes;
        }
        tokio::spawn(forget_later(Arc::downgrade(&self.0)));
    }
}

async fn forget_later(entries: Weak<Mutex<Vec<Entry>>>) {
    tokio::time::sleep(KEEP).await;
    if let Some(entries) = entries.upgrade() {
        let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.used.elapsed() < KEEP);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use scan::uses::ChartSources;

    use super::*;

    fn at(sequence: i64) -> ScannedCommit {
        ScannedCommit { id: entity::input::ObjectId([7; 20]), sequence, committed_at: DateTime::UNIX_EPOCH }
    }

    fn followed(bytes: usize) -> Followed {
        let evaluator = Evaluator::new(Arc::new(ChartSources::built_in()));
        Followed { evaluator, tracker: Tracker::new(b"one"), sequence: 0, bytes }
    }

    #[tokio::test]
    async fn uses_are_taken_once_and_only_at_their_commit_and_rules() {
        let (kept, one) = (KeptUses::default(), Uuid::from_u128(1));
        kept.put(one, at(3), 5, followed(10));
        assert!(kept.take(one, at(3), 5).is_some());
        assert!(kept.take(one, at(3), 5).is_none(), "a scan that fails must not leave them behind");
        for (wanted, format) in [(at(4), 5), (at(3), 6)] {
            kept.put(one, at(3), 5, followed(10));
            assert!(kept.take(one, wanted, format).is_none());
            assert!(kept.take(one, at(3), 5).is_none(), "what is not of the head is of no use any more");
        }
    }

    #[tokio::test]
    async fn those_go_that_were_used_longest_ago_and_large_ones_are_not_kept() {
        let kept = KeptUses::default();
        let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
        for id in &ids[..3] {
            kept.put(*id, at(1), 0, followed(MAX_BYTES / 2));
        }
        kept.put(ids[3], at(1), 0, followed(MAX_BYTES + 1));
        let there: Vec<bool> = ids.iter().map(|id| kept.take(*id, at(1), 0).is_some()).collect();
        assert_eq!(there, [false, true, true, false]);
    }
}
