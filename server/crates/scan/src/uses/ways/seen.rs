//! What the evaluation before saw, by numbers: files that it saw reached by the same ways need no closer look.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Way;
use crate::build::{FastMap, PathId};

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

/// A number, and the evaluation that asked for it last.
#[derive(Debug)]
struct Numbered {
    number: u64,
    round: u64,
}

/// Numbers of ways that stay from one evaluation to the next. One that goes and comes back has another number, and what it reaches
/// gets a closer look: what it holds, such as variables, goes with it.
#[derive(Debug, Default)]
pub(super) struct Known {
    ways: FastMap<Place, Numbered>,
    /// How many there ever were.
    count: u64,
    round: u64,
}

impl Known {
    /// The number of each.
    pub fn numbers(&mut self, ways: &[Way]) -> Vec<u64> {
        self.round += 1;
        let round = self.round;
        let number = |way: &Way| {
            let known = self.ways.entry(Place(way.clone())).or_insert_with(|| {
                self.count += 1;
                Numbered { number: self.count, round }
            });
            known.round = round;
            known.number
        };
        let numbers = ways.iter().map(number).collect();
        self.ways.retain(|_, known| known.round == round);
        numbers
    }

    /// How many ways were ever numbered, and how many are known.
    #[cfg(test)]
    pub fn counts(&self) -> (u64, usize) {
        (self.count, self.ways.len())
    }
}

/// How the evaluation before saw something.
#[derive(Clone, Debug, Default)]
struct Sight {
    round: u64,
    ways: Vec<u64>,
}

/// How things were seen, by the numbers of their paths.
#[derive(Debug, Default)]
pub(super) struct Seen {
    sights: Vec<Sight>,
    /// Of the layout whose numbers these are.
    generation: u64,
    /// Of the evaluation that goes on. In the first everything was seen to be reached by nothing, as it was.
    round: u64,
}

impl Seen {
    /// Begins an evaluation. `generation`: as long as it stays, numbers of paths do.
    pub fn begin(&mut self, generation: u64, ids: usize) {
        if self.generation != generation {
            self.clear();
            self.generation = generation;
        }
        self.round += 1;
        self.sights.resize(self.sights.len().max(ids), Sight::default());
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.sights.clear();
    }

    /// Whether something may be reached otherwise than the evaluation before saw it. `numbers`: those of ways, by those of reaches.
    pub fn differ(&mut self, id: PathId, reaches: &[u32], numbers: &[u64]) -> bool {
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
