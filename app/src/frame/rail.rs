use entity::kind::Permission;
use leptos::ev::{self, KeyboardEvent};
use leptos::html::Input;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;

use crate::components::{Glyph, Icon};
use crate::pages::{Place, RAIL, SystemLine};
use crate::viewer::may;

/// The menu of a phone: a box that is ticked, so that it opens without scripts. An open page leaves it by Escape or by going
/// somewhere, opens it by Enter too, and what it covers is not to be reached meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Drawer {
    open: RwSignal<bool>,
    field: NodeRef<Input>,
}

impl Drawer {
    /// Closed. Called once by the frame, within the router.
    #[must_use]
    pub fn new() -> Self {
        let drawer = Self { open: RwSignal::new(false), field: NodeRef::new() };
        let place = use_location();
        Effect::new(move |before: Option<()>| {
            place.pathname.track();
            place.search.track();
            if before.is_some() {
                drawer.open.set(false);
            }
        });
        Effect::new(move |_| {
            // Opened before the page was awake, or kept open by the browser while the page was away.
            let look = move || drawer.open.set(drawer.field.get_untracked().is_some_and(|field| field.checked()));
            look();
            let shown = window_event_listener_untyped("pageshow", move |_| look());
            // Turned to the side, or made wider: the menu stands beside the page then.
            let wider = window_event_listener(ev::resize, move |_| {
                let narrow = window().match_media("(max-width: 720px)");
                if narrow.is_ok_and(|query| query.is_some_and(|query| !query.matches())) {
                    drawer.open.set(false);
                }
            });
            let left = window_event_listener(ev::keydown, move |event| {
                if event.key() == "Escape" && drawer.open.get_untracked() {
                    drawer.open.set(false);
                    if let Some(field) = drawer.field.get_untracked() {
                        let _ = field.focus();
                    }
                }
            });
            on_cleanup(move || {
                for listener in [shown, wider, left] {
                    listener.remove();
                }
            });
        });
        drawer
    }

    /// Whether it covers the page.
    #[must_use]
    pub fn covers(self) -> Signal<bool> {
        self.open.into()
    }
}

impl Default for Drawer {
    fn default() -> Self {
        Self::new()
    }
}

/// Where one can go, on the left; a drawer on phones that opens without JavaScript.
#[component]
pub fn Rail(
    /// Whether it is open, where it is a drawer.
    drawer: Drawer,
) -> impl IntoView {
    let Drawer { open, field } = drawer;
    let by_enter = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.repeat() {
            open.update(|open| *open = !*open);
        }
    };
    let place = |Place { href, label, glyph, .. }: &Place| {
        let (href, label, glyph) = (*href, *label, *glyph);
        view! {
            <li>
                <A href=href exact={href == "/"} attr:title=label>
                    <Icon glyph />
                    <span class="rail-label">{label}</span>
                </A>
            </li>
        }
    };
    view! {
        <nav class="site" aria-label="Site">
        <input
            type="checkbox"
            id="drawer"
            class="drawer-state sr-only"
            aria-label="Show the menu"
            node_ref=field
            prop:checked=move || open.get()
            on:change=move |event| open.set(event_target_checked(&event))
            on:keydown=by_enter
        />
        <label class="drawer-button" for="drawer" aria-hidden="true"><Icon glyph=Glyph::Menu /></label>
        <label class="drawer-shade" for="drawer" aria-hidden="true"></label>
        <div class="rail">
            <a class="brand" href="/">
                // A commit line through a hexagon: Git's history of Kubernetes.
                <svg class="brand-mark" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
                    <path d="M12 1.8 20.8 6.9v10.2L12 22.2 3.2 17.1V6.9z" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" />
                    <path d="M12 6v12" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
                    <circle cx="12" cy="12" r="2.6" fill="currentColor" />
                </svg>
                <span class="rail-label">"Kubestats"</span>
            </a>
            <ul>
                {may(Permission::Read).then(|| RAIL.iter().map(place).collect_view())}
                {may(Permission::Admin).then(administration)}
            </ul>
            <div class="rail-foot">
                {may(Permission::Read).then(|| view! { <SystemLine /> })}
            </div>
        </div>
        </nav>
    }
}

/// The way to the admins' pages, which are several.
fn administration() -> impl IntoView {
    let path = use_location().pathname;
    let current = move || path.with(|path| path.starts_with("/admin/")).then_some("page");
    view! {
        <li>
            <a href="/admin/users" title="Administration" aria-current=current>
                <Icon glyph=Glyph::Shield />
                <span class="rail-label">"Administration"</span>
            </a>
        </li>
    }
}
