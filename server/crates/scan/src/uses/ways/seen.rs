//! What the evaluation before saw, by numbers: files that it saw reached by the same ways need no closer look.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Way;
use crate::build::{FastMap, PathId};

/// How many ways may be known for each that there is, and how many beside. Tests want to see that they are forgotten.
const KEPT: usize = if cfg!(test) { 1 } else { 4 };
const SPARE: usize = if cfg!(test) { 4 } else { 10_000 };

/// A way, told apart by where its build and its variables are in memory: there is one of each content as long as it is known.
#[derive(Debug)]
struct Place(Way);

impl Place {
    fn parts(&self) -> impl Hash + Eq + '_ {
        let Way { build, forced, default, variables } = &self.0;
        (build.as_ref().map(Arc::as_ptr), variables.as_ref().map(Arc::as_ptr), forced, default)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// Numbers of ways that stay from one evaluation to the next.
#[derive(Debug, Default)]
pub(super) struct Known {
    numbers: FastMap<Place, u32>,
    generation: u64,
}

impl Known {
    /// The number of each.
    pub fn numbers(&mut self, ways: &[Way]) -> Vec<u32> {
        if self.numbers.len() > KEPT * ways.len() + SPARE {
            self.numbers.clear();
            self.generation += 1;
        }
        let number = |way: &Way| {
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            *self.numbers.entry(Place(way.clone())).or_insert(next)
        };
        ways.iter().map(number).collect()
    }

    /// Numbers stay as long as this does.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// How the evaluation before saw something.
#[derive(Clone, Debug, Default)]
struct Sight {
    round: u64,
    ways: Vec<u32>,
}

/// How things were seen, by the numbers of their paths.
#[derive(Debug, Default)]
pub(super) struct Seen {
    sights: Vec<Sight>,
    epoch: (u64, u64),
    /// Of the evaluation that goes on; nothing was seen in the first.
    round: u64,
}

impl Seen {
    /// Begins an evaluation. `epoch`: as long as it stays, numbers do.
    pub fn begin(&mut self, epoch: (u64, u64), ids: usize) {
        if self.epoch != epoch {
            self.clear();
            self.epoch = epoch;
        }
        self.round += 1;
        self.sights.resize(self.sights.len().max(ids), Sight::default());
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sights.clear();
    }

    /// Whether something may be reached otherwise than the evaluation before saw it. `numbers`: those of ways, by those of reaches.
    pub fn differ(&mut self, id: PathId, reaches: &[u32], numbers: &[u32]) -> bool {
        let sight = &mut self.sights[id as usize];
        let now = reaches.iter().map(|reach| numbers[*reach as usize]);
        // What the evaluation before did not come to may have gone and come back.
        let was_seen = sight.round + 1 == self.round;
        sight.round = self.round;
        if was_seen && sight.ways.len() == reaches.len() && sight.ways.iter().copied().eq(now.clone()) {
            return false;
        }
        sight.ways.clear();
        sight.ways.extend(now);
        true
    }
}
