//! News from the server while a page is open (`/api/v1/stream`). On the server these do nothing.

use leptos::prelude::*;

/// News as far as pages care: of what kind they are and whom they concern. Pages then read their data anew, so the
/// rest of a message is not read, which would bring a reader for all that a job consists of into the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// A job was queued, moved on or finished.
    Job {
        /// The repository that it works on, if it is one's.
        repository_id: Option<String>,
    },
    /// Status or figures of a repository changed.
    Repository {
        /// Which one.
        repository_id: String,
    },
    /// A scan stored events.
    Events {
        /// Of which repository.
        repository_id: String,
    },
}

impl Live {
    /// The repository that they are about.
    #[must_use]
    pub fn repository_id(&self) -> Option<&str> {
        match self {
            Self::Job { repository_id } => repository_id.as_deref(),
            Self::Repository { repository_id } | Self::Events { repository_id } => Some(repository_id),
        }
    }
}

/// What came last, and whether the line is open.
#[derive(Clone, Copy, Debug)]
pub struct LiveFeed {
    last: RwSignal<Option<Live>>,
    connected: RwSignal<bool>,
    /// How often messages were lost: by a slow line, or while it was broken.
    gaps: RwSignal<u64>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers have a line"))]
    was_open: StoredValue<bool>,
}

impl LiveFeed {
    /// Whether news come in.
    #[must_use]
    pub fn connected(self) -> Signal<bool> {
        self.connected.into()
    }
}

/// Opens the line once for the whole site; called by the frame.
pub fn provide_live() -> LiveFeed {
    let feed = LiveFeed {
        last: RwSignal::new(None),
        connected: RwSignal::new(false),
        gaps: RwSignal::new(0),
        was_open: StoredValue::new(false),
    };
    provide_context(feed);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| stream::open(feed));
    feed
}

/// Runs for every message that comes while the page is open.
pub fn on_live(handler: impl Fn(&Live) + 'static) {
    if let Some(feed) = use_context::<LiveFeed>() {
        Effect::new(move |_| {
            feed.last.with(|live| {
                if let Some(live) = live {
                    handler(live);
                }
            });
        });
    }
}

/// Counts messages that matter to a page, at most one step a second: a scan sends many. Make it part of a
/// resource's source and the page reads its data anew.
pub fn live_version(matters: impl Fn(&Live) -> bool + 'static) -> Signal<u64> {
    let version = RwSignal::new(0_u64);
    let waiting = StoredValue::new(false);
    let step = move || {
        if waiting.get_value() {
            return;
        }
        waiting.set_value(true);
        set_timeout(
            move || {
                // The page may have been left meanwhile.
                if waiting.try_set_value(false).is_none() {
                    let _ = version.try_update(|n| *n += 1);
                }
            },
            std::time::Duration::from_secs(1),
        );
    };
    on_live(move |live| {
        if matters(live) {
            step();
        }
    });
    // What was lost may have mattered.
    if let Some(feed) = use_context::<LiveFeed>() {
        Effect::new(move |_| {
            if feed.gaps.get() > 0 {
                step();
            }
        });
    }
    version.into()
}

#[cfg(feature = "hydrate")]
mod stream {
    use std::time::Duration;

    use leptos::prelude::*;
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::js_sys::{JSON, Reflect};
    use web_sys::{EventSource, MessageEvent};

    use super::{Live, LiveFeed};

    /// Reads a message; nothing where it is of a kind that pages know nothing of.
    fn read(message: &MessageEvent) -> Option<Live> {
        let get = |of: &JsValue, key: &str| Reflect::get(of, &JsValue::from_str(key)).ok();
        let text = |of: &JsValue, key: &str| get(of, key)?.as_string();
        let value = JSON::parse(&message.data().as_string()?).ok()?;
        Some(match text(&value, "type")?.as_str() {
            "job" => Live::Job { repository_id: text(&get(&value, "job")?, "repository_id") },
            "repository" => Live::Repository { repository_id: text(&value, "repository_id")? },
            "events" => Live::Events { repository_id: text(&value, "repository_id")? },
            _ => return None,
        })
    }

    /// Listens until the page closes. Browsers take up a broken line themselves, except after an answer that
    /// was no stream: then we knock again later.
    pub fn open(feed: LiveFeed) {
        let Ok(source) = EventSource::new("/api/v1/stream") else { return };
        let on_open = Closure::<dyn Fn()>::new(move || {
            // Opened again after a break: what happened meanwhile was not told.
            if feed.was_open.get_value() {
                feed.gaps.update(|n| *n += 1);
            }
            feed.was_open.set_value(true);
            feed.connected.set(true);
        });
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            let live = read(&message);
            if live.is_some() {
                feed.last.set(live);
            }
        });
        for kind in ["message", "job", "repository", "events"] {
            // A browser without listeners has no news; the page still stands.
            let _ = source.add_event_listener_with_callback(kind, on_message.as_ref().unchecked_ref());
        }
        let on_missed = Closure::<dyn Fn()>::new(move || feed.gaps.update(|n| *n += 1));
        let _ = source.add_event_listener_with_callback("missed", on_missed.as_ref().unchecked_ref());
        let broken = source.clone();
        let on_error = Closure::<dyn Fn()>::new(move || {
            feed.connected.set(false);
            if broken.ready_state() == EventSource::CLOSED {
                set_timeout(move || open(feed), Duration::from_secs(20));
            }
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // The line lives as long as the page.
        on_open.forget();
        on_message.forget();
        on_missed.forget();
        on_error.forget();
    }
}
