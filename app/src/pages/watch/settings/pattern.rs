use std::time::Duration;

use entity::view::WatchPreview;
use leptos::ev::Event;
use leptos::prelude::*;
use uuid::Uuid;

use super::data::preview_watch;
use crate::components::{counted, number_text};

/// So long nothing is typed before it is asked what it matches.
const PAUSE: Duration = Duration::from_millis(250);

/// The expression, and what it matches, told while it is typed.
#[component]
pub(super) fn PatternField(
    /// Of whose branches.
    repository: Uuid,
    /// What stands in it at first.
    pattern: String,
    /// What that matches.
    preview: WatchPreview,
) -> impl IntoView {
    let asked = Action::new(move |pattern: &String| preview_watch(repository.to_string(), pattern.clone()));
    let typed = RwSignal::new(pattern.clone());
    // Only the last of several inputs is asked for.
    let turn = StoredValue::new(0_u64);
    let input = move |event: Event| {
        let text = event_target_value(&event);
        typed.set(text.clone());
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) {
                    asked.dispatch(text);
                }
            },
            PAUSE,
        );
    };
    let first = StoredValue::new((pattern.clone(), preview));
    // Of another text than the one that stands there nothing is told.
    let known = move || {
        let typed = typed.get();
        let answer = asked.value().get().and_then(Result::ok).filter(|(of, _)| *of == typed);
        answer.or_else(|| Some(first.get_value()).filter(|(of, _)| *of == typed)).map(|(_, preview)| preview)
    };
    let is_wrong = move || known().is_some_and(|preview| preview.error.is_some());
    view! {
        <div class="field" class:invalid=is_wrong>
            <label for="watch-pattern">"Names of branches"</label>
            <span class="input">
                <input
                    id="watch-pattern"
                    type="text"
                    name="branch_regex"
                    value=pattern
                    maxlength="500"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="all branches"
                    aria-describedby="watch-pattern-about watch-preview"
                    aria-invalid=move || is_wrong().then_some("true")
                    on:input=input
                />
            </span>
            <p class="field-hint" id="watch-pattern-about">
                "A regular expression that may match anywhere in a name: " <code>"^main$"</code> ", " <code>"^release/"</code> ", "
                <code>"^(main|develop)$"</code> ". Empty for all branches."
            </p>
            <div id="watch-preview" class="watch-preview" role="status" aria-live="polite">
                {move || known().map(shown)}
            </div>
        </div>
    }
}

fn shown(preview: WatchPreview) -> AnyView {
    let WatchPreview { known, matches, matching, others, is_complete, error } = preview;
    if let Some(error) = error {
        let mut letters = error.chars();
        let sentence: String =
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        return view! { <p class="field-error">{sentence} "."</p> }.into_any();
    }
    if known == 0 {
        return view! { <p class="quiet">"No branch is known yet. The first look follows as soon as you save."</p> }
            .into_any();
    }
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let head = match is_complete {
        true => format!("Matches {} of {}", number_text(number(matches)), counted(number(known), "branch", "branches")),
        false if known == 1 && matches == 1 => {
            "Matches the default branch; the others are known after the first look".to_owned()
        }
        false if known == 1 => {
            "Does not match the default branch; the others are known after the first look".to_owned()
        }
        false => {
            format!("Matches {} of the first {} branches", number_text(number(matches)), number_text(number(known)))
        }
    };
    let names = |names: Vec<String>, class: &'static str| {
        names.into_iter().map(move |name| view! { <li class=class>{name}</li> }).collect_view()
    };
    let hidden = known.saturating_sub((matching.len() + others.len()) as u64);
    let more =
        (hidden > 0).then(|| view! { <li class="quiet">{format!("and {} more", number_text(number(hidden)))}</li> });
    view! {
        <p>{head}</p>
        <ul class="watch-names">{names(matching, "tag met")} {names(others, "tag not-met")} {more}</ul>
    }
    .into_any()
}
