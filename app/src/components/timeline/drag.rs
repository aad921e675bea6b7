//! Two versions are compared by dragging one point of the timeline to another. Of a pair that is chosen already, the end
//! that is dragged moves and the other stays. Fingers scroll the line; for them and for keys there are the choices below.

use leptos::ev::{self, PointerEvent};
use leptos::prelude::*;
use leptos::web_sys::HtmlElement;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast as _;

use crate::components::PageUrl;

/// One point on its way to another.
#[derive(Clone)]
struct Drag {
    line: HtmlElement,
    points: Vec<HtmlElement>,
    /// Which of them is dragged, and over which it is now.
    from: usize,
    over: usize,
    /// The version of the other end, where the address names a pair that this point is one of.
    other: Option<i64>,
}

impl Drag {
    fn begin(event: &PointerEvent, pair: (Option<i64>, Option<i64>)) -> Option<Self> {
        let target = event.target()?.dyn_into::<HtmlElement>().ok()?;
        let point = target.closest(".timeline-points > .point").ok()??;
        let line = point.parent_element()?.dyn_into::<HtmlElement>().ok()?;
        let found = line.query_selector_all(":scope > .point").ok()?;
        let points: Vec<HtmlElement> =
            (0..found.length()).filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok()).collect();
        let from = points.iter().position(|other| other.is_same_node(Some(&point)))?;
        let number = version(&points[from]);
        let other = match pair {
            (Some(older), newer) if Some(older) == number => newer,
            (older, Some(newer)) if Some(newer) == number => older,
            _ => None,
        };
        Some(Self { line, points, from, over: from, other })
    }

    /// The other end, where it stands on this page of the list.
    fn stays(&self) -> Option<usize> {
        self.points.iter().position(|point| self.other.is_some() && version(point) == self.other)
    }

    fn move_to(&mut self, x: i32) {
        let distance = |point: &HtmlElement| {
            let place = point.get_bounding_client_rect();
            (place.left() + place.width() / 2.0 - f64::from(x)).abs()
        };
        let nearest =
            (0..self.points.len()).min_by(|a, b| distance(&self.points[*a]).total_cmp(&distance(&self.points[*b])));
        self.over = nearest.unwrap_or(self.from);
        let ends = match (self.over == self.from, self.stays(), self.other) {
            (true, ..) => vec![],
            (false, Some(stays), _) => vec![stays, self.over],
            (false, None, Some(_)) => vec![self.over],
            (false, None, None) => vec![self.from, self.over],
        };
        self.mark(&ends);
    }

    fn mark(&self, ends: &[usize]) {
        for (at, point) in self.points.iter().enumerate() {
            let _ = point.toggle_attribute_with_force("data-end", ends.contains(&at));
        }
        let _ = self.line.toggle_attribute_with_force("data-dragging", !ends.is_empty());
        let places = ends.iter().map(|end| self.points[*end].offset_left() + self.points[*end].offset_width() / 2);
        let (first, last) = (places.clone().min().unwrap_or(0), places.max().unwrap_or(0));
        let style = self.line.style();
        let _ = style.set_property("--range-start", &format!("{first}px"));
        let _ = style.set_property("--range-size", &format!("{}px", last - first));
    }

    /// The pair that was chosen, older first.
    fn chosen(&self) -> Option<(i64, i64)> {
        if self.over == self.from || Some(self.over) == self.stays() {
            return None;
        }
        let one = self.other.or_else(|| version(&self.points[self.from]))?;
        let other = version(&self.points[self.over])?;
        Some((one.min(other), one.max(other)))
    }
}

fn version(point: &HtmlElement) -> Option<i64> {
    point.get_attribute("data-version")?.parse().ok()
}

/// What happens at the points when a pointer goes down on them; what follows is listened for by the window.
pub(super) fn dragging(url: PageUrl) -> impl Fn(PointerEvent) + 'static {
    // What the address names; a page without shows what the newest version changed.
    let end = |key| url.get(key).and_then(|number| number.parse().ok());
    let pair = (end("from"), end("to"));
    // On the server there is nothing in it: pages are made on one thread and let go on another, which no element may be.
    let drag = StoredValue::new(None::<SendWrapper<Drag>>);
    let navigate = use_navigate();
    let finish = move || {
        if let Some(drag) = drag.try_update_value(Option::take).flatten() {
            drag.mark(&[]);
            return Some(drag);
        }
        None
    };
    Effect::new(move |_| {
        let (navigate, url) = (navigate.clone(), url.clone());
        let moved = window_event_listener(ev::pointermove, move |event| {
            drag.try_update_value(|drag| drag.as_mut().map(|drag| drag.move_to(event.client_x())));
        });
        let dropped = window_event_listener(ev::pointerup, move |_| {
            if let Some((from, to)) = finish().and_then(|drag| drag.chosen()) {
                let address = url.with_same_rows("from", from.to_string()).with_same_rows("to", to.to_string()).href();
                navigate(&address, NavigateOptions::default());
            }
        });
        let cancelled = window_event_listener(ev::pointercancel, move |_| drop(finish()));
        let left = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" {
                drop(finish());
            }
        });
        on_cleanup(move || {
            for listener in [moved, dropped, cancelled, left] {
                listener.remove();
            }
        });
    });
    move |event| {
        if event.button() == 0 && event.pointer_type() != "touch" {
            drag.set_value(Drag::begin(&event, pair).map(SendWrapper::new));
        }
    }
}
