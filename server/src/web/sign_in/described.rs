//! What an issuer says of itself: read once for all who wait for it, and again after a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::SignInError;
use tokio::sync::Mutex;

/// Endpoints move seldom.
const DESCRIBED_FOR: Duration = Duration::from_hours(1);
/// An issuer that is down is not asked again by everybody who comes: each would wait for it.
const FAILED_FOR: Duration = Duration::from_secs(30);

/// A description, where it was read.
pub struct Described<T>(Arc<Mutex<Option<Read<T>>>>);

/// What came of reading it, and when.
struct Read<T> {
    at: Instant,
    what: Result<Arc<T>, SignInError>,
}

impl<T> Read<T> {
    /// The same, for as long as it counts.
    fn still(&self, now: Instant) -> Option<Result<Arc<T>, SignInError>> {
        let counts = if self.what.is_ok() { DESCRIBED_FOR } else { FAILED_FOR };
        (now.saturating_duration_since(self.at) < counts).then(|| self.what.clone())
    }
}

impl<T> Default for Described<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Send + Sync + 'static> Described<T> {
    /// The description that was read within the last hour; longer ago, while it can't be read. Where it never could be, why,
    /// without another try within half a minute. Nobody waits for more than one reading: who comes while one goes on gets what
    /// comes of it, and it goes on to its end though whoever asked goes away.
    ///
    /// # Errors
    /// What `read` gives, or gave less than half a minute ago.
    pub async fn get(
        &self,
        now: impl Fn() -> Instant + Send + 'static,
        read: impl Future<Output = Result<T, SignInError>> + Send + 'static,
    ) -> Result<Arc<T>, SignInError> {
        let known = self.0.try_lock().ok().and_then(|held| held.as_ref().and_then(|last| last.still(now())));
        if let Some(known) = known {
            return known;
        }
        let kept = Arc::clone(&self.0);
        let reading = tokio::spawn(async move {
            let mut held = kept.lock().await;
            if let Some(known) = held.as_ref().and_then(|last| last.still(now())) {
                return known;
            }
            let what = match (read.await, held.take()) {
                (Ok(read), _) => Ok(Arc::new(read)),
                (Err(error), Some(Read { what: Ok(before), .. })) => {
                    tracing::warn!(%error, "an issuer's description could not be read again");
                    Ok(before)
                }
                (Err(error), _) => Err(error),
            };
            *held = Some(Read { at: now(), what: what.clone() });
            what
        });
        let ended = |error: tokio::task::JoinError| {
            Err(SignInError::Unreachable { host: "the issuer".to_owned(), reason: error.to_string() })
        };
        reading.await.unwrap_or_else(ended)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    /// An issuer that counts how often it is asked, and answers once it is let.
    struct Site {
        described: Described<usize>,
        asked: Arc<AtomicUsize>,
        may_answer: Arc<Semaphore>,
        began: Instant,
    }

    impl Site {
        fn new() -> Self {
            let (asked, may_answer) = (Arc::default(), Arc::new(Semaphore::new(0)));
            Self { described: Described::default(), asked, may_answer, began: Instant::now() }
        }

        /// Asks so many seconds after the beginning; the description is how often it was read.
        async fn ask(&self, second: u64, is_up: bool) -> Result<usize, String> {
            self.ask_told(second, is_up, None).await
        }

        /// The same, and says when the issuer is asked.
        async fn ask_told(
            &self,
            second: u64,
            is_up: bool,
            begins: Option<oneshot::Sender<()>>,
        ) -> Result<usize, String> {
            let now = self.began + Duration::from_secs(second);
            let (asked, may_answer) = (Arc::clone(&self.asked), Arc::clone(&self.may_answer));
            let read = async move {
                let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(begins) = begins {
                    begins.send(()).unwrap();
                }
                may_answer.acquire().await.unwrap().forget();
                let down = || SignInError::Unreachable { host: "id.example".to_owned(), reason: number.to_string() };
                is_up.then_some(number).ok_or_else(down)
            };
            let found = self.described.get(move || now, read).await;
            found.map(|number| *number).map_err(|error| error.to_string())
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn an_issuer_that_is_down_is_asked_again_after_half_a_minute() {
        let site = Site::new();
        site.may_answer.add_permits(10);
        let first = site.ask(0, false).await.unwrap_err();
        assert!(first.contains("id.example cannot be reached (1)"), "{first}");
        assert_eq!((site.ask(1, true).await, site.ask(29, true).await), (Err(first.clone()), Err(first)));
        assert_eq!(site.asked(), 1, "who comes meanwhile is told what is known");
        assert_eq!((site.ask(30, true).await, site.ask(30 + 3599, true).await), (Ok(2), Ok(2)));
        // What was read once holds while it can't be read again.
        assert_eq!((site.ask(30 + 3600, false).await, site.asked()), (Ok(2), 3));
        assert_eq!((site.ask(30 + 7199, true).await, site.asked()), (Ok(2), 3));
        assert_eq!(site.ask(30 + 7200, true).await, Ok(4));
    }

    #[tokio::test]
    async fn whoever_comes_while_an_issuer_is_asked_waits_for_that_one_answer() {
        for is_up in [false, true] {
            let site = Site::new();
            let answers = async {
                // All are there by then.
                while site.asked() == 0 {
                    tokio::task::yield_now().await;
                }
                site.may_answer.add_permits(20);
            };
            let all = futures::future::join_all((0..20).map(|_| site.ask(0, is_up)));
            let (all, ()) = tokio::join!(all, answers);
            assert!(all.iter().all(|found| found == &all[0] && found.is_ok() == is_up), "{all:?}");
            assert_eq!((site.asked(), site.may_answer.available_permits()), (1, 19));
        }
    }

    #[tokio::test]
    async fn who_goes_away_while_an_issuer_is_asked_leaves_the_answer_to_others() {
        let site = Arc::new(Site::new());
        let (begins, began) = oneshot::channel();
        let impatient = Arc::clone(&site);
        let impatient = tokio::spawn(async move { impatient.ask_told(0, false, Some(begins)).await });
        began.await.unwrap();
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        let (other, ()) = tokio::join!(site.ask(0, true), async { site.may_answer.add_permits(1) });
        assert!(other.unwrap_err().contains("cannot be reached (1)"), "the answer to the first");
        assert_eq!(site.asked(), 1);
    }
}
