//! Whether something that the reader asked for is on its way: `main` says so by `aria-busy`, and the style sheet draws a
//! bar where it takes longer than people take for at once. What comes by itself, such as news, is not told.

use leptos::prelude::*;

/// How many answers the reader waits for.
#[derive(Clone, Copy, Debug)]
pub struct Busy(RwSignal<u32>);

/// One answer that the reader waits for, until it is dropped.
#[derive(Debug)]
pub struct Waiting(RwSignal<u32>);

impl Busy {
    /// Begins to wait.
    #[must_use]
    pub fn wait(self) -> Waiting {
        // The frame lives as long as the page, but a part of it may outlive it by a moment.
        let _ = self.0.try_update(|n| *n += 1);
        Waiting(self.0)
    }

    /// Waits for as long as this is so.
    pub fn wait_while(self, pending: impl Fn() -> bool + 'static) {
        Effect::new(move |_: Option<Option<Waiting>>| pending().then(|| self.wait()));
    }

    /// As `aria-busy` says it: nothing while there is nothing to wait for.
    #[must_use]
    pub fn attribute(self) -> Option<&'static str> {
        (self.0.get() > 0).then_some("true")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.try_update(|n| *n = n.saturating_sub(1));
    }
}

/// Called once by the frame.
#[must_use]
pub fn provide_busy() -> Busy {
    let busy = Busy(RwSignal::new(0));
    provide_context(busy);
    busy
}
