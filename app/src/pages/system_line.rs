use leptos::prelude::*;

/// The state of the system in one line, at the foot of the rail.
#[component]
pub fn SystemLine() -> impl IntoView {}
