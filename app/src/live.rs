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
    /// A trigger changed, or a delivery of it moved on.
    Trigger {
        /// Which one.
        trigger_id: String,
        /// The delivery, if it is about one.
        delivery_id: Option<String>,
    },
    /// Branches, what happened to them, what was told of it, or how they are watched.
    Branches {
        /// Of which repository.
        repository_id: String,
    },
    /// A process read its configuration again.
    Reload,
}

impl Live {
    /// The repository that they are about.
    #[must_use]
    pub fn repository_id(&self) -> Option<&str> {
        match self {
            Self::Job { repository_id } => repository_id.as_deref(),
            Self::Repository { repository_id } | Self::Events { repository_id } | Self::Branches { repository_id } => {
                Some(repository_id)
            }
            Self::Trigger { .. } | Self::Reload => None,
        }
    }
}

/// What came last, and whether the line is open.
#[derive(Clone, Copy, Debug)]
pub struct LiveFeed {
    last: RwSignal<Option<Live>>,
    /// The line has been broken for so long that it is worth a word.
    broken: RwSignal<bool>,
    /// How often messages were lost: by a slow line, while it was broken, or while nobody looked at the page.
    gaps: RwSignal<u64>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers have a line"))]
    line: StoredValue<Line>,
}

/// How the line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers have a line"))]
enum Line {
    /// Nothing is known of it yet.
    New,
    Open,
    Closed,
}

impl LiveFeed {
    /// Whether news have not come in for a while.
    #[must_use]
    pub fn broken(self) -> Signal<bool> {
        self.broken.into()
    }
}

/// Opens the line once for the whole site; called by the frame.
pub fn provide_live() -> LiveFeed {
    let feed = LiveFeed {
        last: RwSignal::new(None),
        broken: RwSignal::new(false),
        gaps: RwSignal::new(0),
        line: StoredValue::new(Line::New),
    };
    provide_context(feed);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| set_timeout(move || stream::open(feed), stream::AFTER));
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

/// The line itself is held by a worker that all tabs of a browser share, see `style/js/live.js`.
#[cfg(feature = "hydrate")]
mod stream {
    use std::time::Duration;

    use leptos::prelude::*;
    use wasm_bindgen::closure::Closure;
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::js_sys::{JSON, Reflect};
    use web_sys::{Event, MessageEvent, MessagePort, SharedWorker, Worker};

    use super::{Line, Live, LiveFeed};

    /// What the page itself is made of comes first.
    pub(super) const AFTER: Duration = Duration::from_secs(1);

    /// When a worker that could not be had is asked for again.
    const AGAIN: Duration = Duration::from_secs(5);

    /// A line that is taken up again at once, as after a restart, is nobody's business.
    const WORTH_A_WORD: Duration = Duration::from_secs(2);

    /// Reads a message; nothing where it is of a kind that pages know nothing of.
    fn read(message: &str) -> Option<Live> {
        let get = |of: &JsValue, key: &str| Reflect::get(of, &JsValue::from_str(key)).ok();
        let text = |of: &JsValue, key: &str| get(of, key)?.as_string();
        let value = JSON::parse(message).ok()?;
        Some(match text(&value, "type")?.as_str() {
            "job" => Live::Job { repository_id: text(&get(&value, "job")?, "repository_id") },
            "repository" => Live::Repository { repository_id: text(&value, "repository_id")? },
            "events" => Live::Events { repository_id: text(&value, "repository_id")? },
            "trigger" => {
                let trigger_id = text(&value, "trigger_id")?;
                Live::Trigger { trigger_id, delivery_id: text(&value, "delivery_id") }
            }
            "branches" => Live::Branches { repository_id: text(&value, "repository_id")? },
            "reload" => Live::Reload,
            _ => return None,
        })
    }

    /// Listens for as long as the page is there.
    pub fn open(feed: LiveFeed) {
        let Some(port) = join(feed) else { return };
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().as_string().unwrap_or_default().as_str() {
                "open" => feed.opened(),
                "closed" => feed.closed(),
                "missed" => feed.gaps.update(|n| *n += 1),
                told => {
                    let live = read(told);
                    if live.is_some() {
                        feed.last.set(live);
                    }
                }
            }
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let say = move |seen: bool| {
            // A worker that is gone has told by `error`.
            let _ = port.post_message(&JsValue::from_bool(seen));
        };
        let look = say.clone();
        let look = move || look(!document().hidden());
        look();
        for event in ["visibilitychange", "pageshow"] {
            let look = look.clone();
            window_event_listener_untyped(event, move |_| look());
        }
        window_event_listener_untyped("pagehide", move |_| say(false));
    }

    /// The worker's end, as a port. A worker of this tab alone is one itself where tabs can't share one.
    fn join(feed: LiveFeed) -> Option<MessagePort> {
        let script = document().document_element()?.get_attribute("data-live")?;
        // Its file can't be had while the server is away; nobody else would try again.
        let on_error = Closure::<dyn Fn(Event)>::new(move |_| {
            feed.closed();
            set_timeout(move || open(feed), AGAIN);
        });
        let heard = Some(on_error.as_ref().unchecked_ref());
        let port = match SharedWorker::new(&script) {
            Ok(worker) => {
                worker.set_onerror(heard);
                Some(worker.port())
            }
            Err(_) => Worker::new(&script).ok().map(|worker| {
                worker.set_onerror(heard);
                worker.unchecked_into()
            }),
        };
        on_error.forget();
        port
    }

    impl LiveFeed {
        fn opened(self) {
            // What happened while it was closed, nobody looked, or the page was on its way was not told.
            self.gaps.update(|n| *n += 1);
            self.line.set_value(Line::Open);
            self.broken.set(false);
        }

        fn closed(self) {
            if self.line.get_value() == Line::Closed {
                return;
            }
            self.line.set_value(Line::Closed);
            let say = move || {
                if self.line.get_value() == Line::Closed {
                    self.broken.set(true);
                }
            };
            set_timeout(say, WORTH_A_WORD);
        }
    }
}
