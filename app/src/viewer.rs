//! Who looks at the pages, and what they may do. Pages leave out what the viewer may not; actions refuse it in any case.

use codee::binary::PostcardCodec;
use entity::kind::Permission;
use entity::view::Viewer;
use leptos::prelude::*;

/// Lends the viewer to all pages. The server tells it with the page: whoever signs in or out loads a page anew.
pub(crate) fn provide_viewer() {
    let viewer = SharedValue::<Viewer, PostcardCodec>::new_with_encoding(asked).into_inner();
    provide_context(StoredValue::new(viewer));
}

/// As the gate in front of all pages found out.
fn asked() -> Viewer {
    #[cfg(feature = "ssr")]
    if let Some(parts) = use_context::<axum::http::request::Parts>()
        && let Some(viewer) = parts.extensions.get::<Viewer>()
    {
        return viewer.clone();
    }
    Viewer { account: None, permissions: Vec::new(), is_set_up: true }
}

/// Who looks.
#[must_use]
pub fn viewer() -> Viewer {
    let lent = use_context::<StoredValue<Viewer>>();
    lent.map_or_else(|| Viewer { account: None, permissions: Vec::new(), is_set_up: true }, |viewer| viewer.get_value())
}

/// Whether something is to be offered.
#[must_use]
pub fn may(permission: Permission) -> bool {
    viewer().may(permission)
}
