//! Whose password is looked at next.
//!
//! Two are looked at at once; who is known from where they ask goes before who is not, and where too many wait, who is not
//! known is told first to come again. What is made up (an e-mail address that no account has) stands in the same line and is
//! passed by in its turn: it waits as long as others do and takes nobody's place. Work that nothing depends on is done for it
//! only where a place is left over, and not often.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Busy;
use crate::random;

/// Hashes at once, each with its memory and a core.
pub(super) const AT_ONCE: usize = 2;
/// Who comes after these is told to come again.
pub(super) const WAITING: usize = 32;
/// What work took lately is known of so many.
const REMEMBERED: usize = 64;
/// Work without a need: so often at once, and again after this.
const SPARE_AT_ONCE: u32 = 10;
const SPARE_EACH: Duration = Duration::from_millis(250);
/// What work takes where none was done yet.
const GUESSED: Duration = Duration::from_millis(50);

/// How well somebody is known who wants a password looked at. It says nothing about whether there is such an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They came in from there before, or are in.
    Known,
    /// Anybody.
    New,
}

/// The line; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    free: usize,
    known: VecDeque<Waiting>,
    new: VecDeque<Waiting>,
    took: VecDeque<Duration>,
    spare: u32,
    spared: Instant,
}

#[derive(Debug)]
enum Waiting {
    /// Who gets a place.
    ForTurn(oneshot::Sender<Turn>),
    /// Who is only told that a place would be theirs.
    ToPassBy(oneshot::Sender<()>),
}

impl Waiting {
    /// Whether it waits for a place, and still does.
    fn counts(&self) -> bool {
        matches!(self, Self::ForTurn(waiting) if !waiting.is_closed())
    }
}

impl Default for Line {
    fn default() -> Self {
        Self {
            free: AT_ONCE,
            known: VecDeque::new(),
            new: VecDeque::new(),
            took: VecDeque::new(),
            spare: SPARE_AT_ONCE,
            spared: Instant::now(),
        }
    }
}

/// A place for work, given on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Turns>);

impl Turn {
    /// The work is done, and took so long.
    pub(super) fn took(self, time: Duration) {
        if let Some(turns) = &self.0 {
            let mut line = turns.line();
            if line.took.len() >= REMEMBERED {
                line.took.pop_front();
            }
            line.took.push_back(time);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.give_on();
        }
    }
}

impl Turns {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of one who is done goes to the next.
    fn give_on(&self) {
        let mut turn = Turn(Some(self.clone()));
        loop {
            let next = {
                let mut line = self.line();
                let next = line.known.pop_front().or_else(|| line.new.pop_front());
                if next.is_none() {
                    line.free += 1;
                    turn.0 = None;
                }
                next
            };
            match next {
                None => return,
                // Whoever passes by takes no place; who went away neither.
                Some(Waiting::ToPassBy(told)) => {
                    let _ = told.send(());
                }
                Some(Waiting::ForTurn(waiting)) => match waiting.send(turn) {
                    Ok(()) => return,
                    Err(back) => turn = back,
                },
            }
        }
    }

    /// A place, in its turn.
    pub(super) async fn take(&self, standing: Standing) -> Result<Turn, Busy> {
        let told = {
            let mut line = self.line();
            if line.free > 0 {
                line.free -= 1;
                return Ok(Turn(Some(self.clone())));
            }
            line.make_room(standing)?;
            let (waiting, told) = oneshot::channel();
            line.of(standing).push_back(Waiting::ForTurn(waiting));
            told
        };
        // Who has to make room for another is told so by a sender that is gone.
        told.await.map_err(|_| Busy)
    }

    /// Waits for its turn, passes by, and waits for as long as work takes. Told to come again where who takes a place would be.
    pub(super) async fn pass_by(&self, standing: Standing) -> Result<(), Busy> {
        let (told, time) = {
            let mut line = self.line();
            let time = line.some_time();
            if line.free > 0 {
                (None, time)
            } else {
                line.has_room(standing)?;
                let (waiting, told) = oneshot::channel();
                line.of(standing).push_back(Waiting::ToPassBy(waiting));
                (Some(told), time)
            }
        };
        if let Some(told) = told {
            told.await.map_err(|_| Busy)?;
        }
        tokio::time::sleep(time).await;
        Ok(())
    }

    /// A place that nobody needs: another is left then, and nobody waits.
    pub(super) fn take_to_spare(&self) -> Option<Turn> {
        let mut line = self.line();
        let again = u32::try_from(line.spared.elapsed().as_millis() / SPARE_EACH.as_millis()).unwrap_or(SPARE_AT_ONCE);
        if again > 0 {
            line.spared = Instant::now();
            line.spare = line.spare.saturating_add(again).min(SPARE_AT_ONCE);
        }
        if line.free < AT_ONCE || line.spare == 0 {
            return None;
        }
        line.spare -= 1;
        line.free -= 1;
        Some(Turn(Some(self.clone())))
    }
}

impl Line {
    fn of(&mut self, standing: Standing) -> &mut VecDeque<Waiting> {
        match standing {
            Standing::Known => &mut self.known,
            Standing::New => &mut self.new,
        }
    }

    /// Whether one more may wait, in the place of somebody less known where need be.
    fn has_room(&mut self, standing: Standing) -> Result<(), Busy> {
        let gone = |waiting: &Waiting| match waiting {
            Waiting::ForTurn(waiting) => !waiting.is_closed(),
            Waiting::ToPassBy(waiting) => !waiting.is_closed(),
        };
        self.known.retain(gone);
        self.new.retain(gone);
        let count = |line: &VecDeque<Waiting>| line.iter().filter(|waiting| waiting.counts()).count();
        let (known, new) = (count(&self.known), count(&self.new));
        match known + new < WAITING || (standing == Standing::Known && new > 0) {
            true => Ok(()),
            false => Err(Busy),
        }
    }

    /// The same, and whoever came last of those who are not known goes for one who is. With them go those who pass by behind
    /// them: they are told what they would be told had they waited for a place.
    fn make_room(&mut self, standing: Standing) -> Result<(), Busy> {
        self.has_room(standing)?;
        let waiting = self.known.iter().chain(&self.new).filter(|waiting| waiting.counts()).count();
        if waiting >= WAITING
            && let Some(last) = self.new.iter().rposition(Waiting::counts)
        {
            self.new.truncate(last);
        }
        Ok(())
    }

    /// What work took lately, one of the times at random: an average would be told from what is done.
    fn some_time(&self) -> Duration {
        let chosen = usize::from(u16::from_le_bytes(*random::<2>()));
        match self.took.len() {
            0 => GUESSED,
            many => self.took[chosen % many],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All places are taken.
    async fn full() -> (Turns, Vec<Turn>) {
        let turns = Turns::default();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(turns.take(Standing::New).await.unwrap());
        }
        (turns, held)
    }

    /// Waits in the line under a name, and notes it once the turn is there; the place is given on at once.
    fn wait(
        turns: &Turns,
        standing: Standing,
        name: &'static str,
        came: &Arc<Mutex<Vec<&'static str>>>,
    ) -> tokio::task::JoinHandle<()> {
        let (turns, came) = (turns.clone(), Arc::clone(came));
        tokio::spawn(async move {
            let turn = turns.take(standing).await;
            came.lock().unwrap().push(if turn.is_ok() { name } else { "busy" });
        })
    }

    fn in_line(turns: &Turns) -> usize {
        let line = turns.line();
        line.known.len() + line.new.len()
    }

    async fn until_in_line(turns: &Turns, number: usize) {
        while in_line(turns) < number {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_is_known_goes_first_and_who_is_made_up_takes_no_place() {
        let (turns, mut held) = full().await;
        let came = Arc::<Mutex<Vec<_>>>::default();
        let mut people = Vec::new();
        for (standing, name) in [(Standing::New, "a"), (Standing::New, "b"), (Standing::Known, "c")] {
            people.push(wait(&turns, standing, name, &came));
            until_in_line(&turns, people.len()).await;
        }
        assert!(turns.take_to_spare().is_none(), "no place is left over");
        // However many are made up, they fill no line.
        let mut made_up = Vec::new();
        for number in 0..10 * WAITING {
            let line = turns.clone();
            made_up.push(tokio::spawn(async move { line.pass_by(Standing::New).await }));
            until_in_line(&turns, people.len() + number + 1).await;
        }
        people.push(wait(&turns, Standing::New, "d", &came));
        until_in_line(&turns, people.len() + made_up.len()).await;
        // One place alone, so that the order is seen.
        drop(held.pop());
        for person in people {
            person.await.unwrap();
        }
        assert_eq!(*came.lock().unwrap(), ["c", "a", "b", "d"]);
        for one in made_up {
            assert_eq!(one.await.unwrap(), Ok(()));
        }
        drop(held);
        let waiting = in_line(&turns);
        assert_eq!((turns.line().free, waiting), (AT_ONCE, 0));
    }

    #[tokio::test]
    async fn where_too_many_wait_who_is_not_known_is_told_first_to_come_again() {
        let (turns, held) = full().await;
        let came = Arc::<Mutex<Vec<_>>>::default();
        let mut people = Vec::new();
        for _ in 0..WAITING {
            people.push(wait(&turns, Standing::New, "new", &came));
            until_in_line(&turns, people.len()).await;
        }
        assert_eq!(turns.take(Standing::New).await.unwrap_err(), Busy);
        assert_eq!(turns.pass_by(Standing::New).await, Err(Busy), "who is made up is told the same");
        for place in 0..WAITING {
            people.push(wait(&turns, Standing::Known, "known", &came));
            while turns.line().known.len() <= place {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(turns.line().new.len(), 0, "each of them took the place of one who is not known");
        assert_eq!(turns.take(Standing::Known).await.unwrap_err(), Busy);
        drop(held);
        for person in people {
            person.await.unwrap();
        }
        let came = came.lock().unwrap();
        let count = |word| came.iter().filter(|came| **came == word).count();
        assert_eq!((count("known"), count("busy"), count("new")), (WAITING, WAITING, 0));
    }

    #[tokio::test]
    async fn work_that_nothing_depends_on_leaves_a_place_and_is_bounded() {
        let turns = Turns::default();
        let spare = turns.take_to_spare().unwrap();
        assert!(turns.take_to_spare().is_none(), "the other place is for who needs it");
        let real = turns.take(Standing::New).await.unwrap();
        drop((spare, real));
        turns.line().spare = 1;
        turns.line().spared = Instant::now() + Duration::from_mins(1);
        assert!(turns.take_to_spare().is_some());
        assert!(turns.take_to_spare().is_none(), "so often, and then no more for a while");
        assert_eq!(turns.line().free, AT_ONCE);
    }

    #[tokio::test]
    async fn who_goes_away_gives_no_place_away() {
        let (turns, held) = full().await;
        let came = Arc::<Mutex<Vec<_>>>::default();
        let gone = wait(&turns, Standing::New, "gone", &came);
        until_in_line(&turns, 1).await;
        let stays = wait(&turns, Standing::New, "stays", &came);
        until_in_line(&turns, 2).await;
        gone.abort();
        let _ = gone.await;
        drop(held);
        stays.await.unwrap();
        assert_eq!(*came.lock().unwrap(), ["stays"]);
        assert_eq!(turns.line().free, AT_ONCE);
    }
}
