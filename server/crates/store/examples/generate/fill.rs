//! Invented repositories of any size, the same ones every time, written the way scans write.

#[path = "invent.rs"]
mod invent;
#[path = "uses/mod.rs"]
mod uses;

use chrono::{TimeZone as _, Utc};
use entity::input::{Batch, FoundResource, HeadFigures, LinePoint, ObjectId, ScannedCommit, SyncedHead, UseCommit};
use entity::view::Timestamp;
use store::db::{Db, Result};
use store::{repositories, scans};
use uuid::Uuid;

use invent::{invent_commit, invent_problem, invent_repository};
use uses::invent_uses;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub repositories: u32,
    /// Per repository.
    pub resources: u32,
    /// Per repository, those that created the resources included. Charts, values and images in use are as many as go with
    /// them: one span of a value for each, one of an image for five, one of a chart's use for fifty.
    pub events: u32,
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    pub repositories: Vec<Uuid>,
    pub resources: u64,
    pub events: u64,
    /// Spans of charts' uses, of values, of images.
    pub uses: [u64; 3],
}

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len() as u64) as usize]
    }

    pub fn object(&mut self) -> ObjectId {
        let mut bytes = [0; 20];
        for part in bytes.chunks_mut(4) {
            part.copy_from_slice(&(self.roll(1 << 32) as u32).to_be_bytes());
        }
        ObjectId(bytes)
    }
}

/// Days over which histories stretch.
const DAYS: i64 = 1500;

/// The time at which everything invented has happened.
pub fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 1, 12, 0, 0).single().unwrap_or_default()
}

/// Writes repositories with their whole histories.
pub async fn fill(db: &Db, scale: Scale) -> Result<Filled> {
    let mut filled = Filled::default();
    for number in 0..scale.repositories {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (u64::from(number) << 17));
        let found = invent_repository(number, &mut dice);
        let added = repositories::upsert_repositories(&db.write, &[found], now()).await?;
        let Some((repository, _)) = added.first().copied() else { continue };
        filled.repositories.push(repository);
        filled.resources += u64::from(scale.resources);
        let (events, uses) = replay(db, repository, number, scale, &mut dice).await?;
        filled.events += events;
        for (all, of_it) in filled.uses.iter_mut().zip(uses) {
            *all += of_it as u64;
        }
    }
    Ok(filled)
}

async fn replay(db: &Db, repository: Uuid, number: u32, scale: Scale, dice: &mut Dice) -> Result<(u64, [usize; 3])> {
    let run = scans::begin_scan(&db.write, repository, now()).await?;
    let mut history = History::new(scale);
    let mut line: Vec<UseCommit> = Vec::new();
    let (mut events, mut uses) = (0, [0; 3]);
    while let Some(mut batch) = history.next_batch(500, dice) {
        for commit in &batch.commits {
            let before = line.last().map_or(i64::MIN, |before| before.at.time);
            let time = commit.committed_at.timestamp().max(before);
            line.push(UseCommit { id: commit.id, at: LinePoint { sequence: commit.sequence, time } });
        }
        // All at the end, when every span is known with its end: ending them later would take a statement for each.
        if history.is_told() {
            batch.uses = invent_uses(number, scale, &line, &history.resources);
            uses = [batch.uses.uses.len(), batch.uses.values.len(), batch.uses.image_uses.len()];
        }
        events += scans::apply_batch(&db.write, repository, run, &batch, now()).await?;
        if let Some(through) = &batch.through {
            let head = SyncedHead {
                branch: "main".to_owned(),
                head: through.id,
                committed_at: through.committed_at,
                clone_bytes: 5_000_000,
            };
            repositories::record_synced(&db.write, repository, &head, now()).await?;
        }
    }
    let figures = HeadFigures { yaml_files: i64::from(scale.resources) };
    scans::finish_scan(&db.write, repository, run, figures, now()).await?;
    Ok((events, uses))
}

/// A history that is made up as it is told.
pub struct History {
    scale: Scale,
    commits: i64,
    sequence: i64,
    after: Option<ObjectId>,
    resources: Vec<FoundResource>,
}

impl History {
    pub fn new(scale: Scale) -> Self {
        let changes = scale.events.saturating_sub(scale.resources);
        let commits = i64::from(changes / 2 + scale.resources.div_ceil(20));
        Self { scale, commits, sequence: 0, after: None, resources: Vec::new() }
    }

    /// Whether its last commit was told.
    fn is_told(&self) -> bool {
        self.sequence == self.commits
    }

    /// The next commits as a scan would bring them in; nothing at the end.
    pub fn next_batch(&mut self, commits: i64, dice: &mut Dice) -> Option<Batch> {
        let last = self.commits.min(self.sequence + commits);
        let mut batch = Batch { after: self.after, ..Batch::default() };
        let mut touched = std::collections::BTreeSet::new();
        while self.sequence < last {
            let (sequence, commits, scale) = (self.sequence, self.commits, self.scale);
            let commit = invent_commit(sequence, commits, scale, &mut self.resources, &mut batch, &mut touched, dice);
            batch.through = Some(ScannedCommit { id: commit.id, sequence, committed_at: commit.committed_at });
            self.after = Some(commit.id);
            batch.commits.push(commit);
            self.sequence += 1;
        }
        batch.through?;
        for place in touched {
            batch.resources.push(self.resources[place].clone());
            self.resources[place].new_events = 0;
        }
        if self.sequence == self.commits {
            batch.problems = (0..dice.roll(6)).map(|n| invent_problem(n, &batch)).collect();
        }
        Some(batch)
    }
}
