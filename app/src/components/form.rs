use leptos::html;
use leptos::prelude::*;

use super::given::give;
use super::{Glyph, Icon, PageUrl, SearchForm, number_text};

/// A filter that is set, as shown above the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// What is filtered: `Kind`.
    pub label: String,
    /// What is kept: `HelmRelease`.
    pub value: String,
    /// The key in the address that removing it takes away.
    pub key: &'static str,
    /// What stays under that key: a filter of several has a chip for each.
    pub others: Vec<String>,
}

impl Chip {
    /// A filter of one value.
    #[must_use]
    pub fn new(label: impl Into<String>, value: impl Into<String>, key: &'static str) -> Self {
        Self { label: label.into(), value: value.into(), key, others: Vec::new() }
    }

    fn removed_from(&self, url: &PageUrl) -> String {
        self.others.iter().fold(url.without(self.key), |url, other| url.and(self.key, other.clone())).href()
    }
}

/// Filters above a list: a GET form, so it works without JavaScript; with it, choosing is enough.
#[component]
pub fn FilterBar(
    /// The address at hand; values that no control of the form holds are carried along.
    url: PageUrl,
    /// Keys that the controls in `children` hold.
    keys: &'static [&'static str],
    /// Filters that are set.
    #[prop(optional)]
    chips: Vec<Chip>,
    /// The controls: [`Select`]s and [`TextField`]s.
    children: Children,
) -> impl IntoView {
    let carried: Vec<_> = url
        .pairs()
        .iter()
        .filter(|(key, _)| key != "page" && !keys.contains(&key.as_str()))
        .map(|(key, value)| view! { <input type="hidden" name=key.clone() value=value.clone() /> })
        .collect();
    let set = view! { <Chips url=url.clone() chips /> };
    view! {
        <div class="filters">
            <SearchForm action=url.path().to_owned() class="filter-bar" auto=true stay=true>
                {carried}
                {children()}
                <button type="submit" class="button filter-apply">"Apply"</button>
            </SearchForm>
            {set}
        </div>
    }
}

/// Filters that are set, each with a way to take it away.
#[component]
pub fn Chips(
    /// The address at hand.
    url: PageUrl,
    /// The filters; nothing is shown where there are none.
    chips: Vec<Chip>,
) -> impl IntoView {
    let clear = chips.iter().fold(url.clone(), |url, chip| url.without(chip.key)).href();
    let many = chips.len() > 1;
    let row = |chip: &Chip| {
        view! {
            <li>
                <a class="chip" href=chip.removed_from(&url) title="Remove this filter">
                    <span class="sr-only">"Remove filter "</span>
                    <span class="chip-label">{chip.label.clone()}</span>
                    <span class="chip-value">{chip.value.clone()}</span>
                    <Icon glyph=Glyph::Close />
                </a>
            </li>
        }
    };
    let rows: Vec<_> = chips.iter().map(row).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <ul class="chips" aria-label="Filters that are set">
                {rows}
                {many.then(|| view! { <li><a class="chip-clear" href=clear>"Clear all"</a></li> })}
            </ul>
        }
    })
}

/// One choice of a [`Select`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the address says.
    pub value: String,
    /// What people read.
    pub label: String,
    /// How many rows it would leave, where that is known.
    pub count: Option<i64>,
}

impl Choice {
    /// A choice whose word is its label.
    #[must_use]
    pub fn word(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { label: value.clone(), value, count: None }
    }

    /// A choice with a label of its own.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), count: None }
    }

    /// The same choice with the number of rows it would leave.
    #[must_use]
    pub fn counting(mut self, count: i64) -> Self {
        self.count = Some(count);
        self
    }
}

/// A choice among words; the first entry means no choice.
#[component]
pub fn Select(
    /// Key in the address.
    name: &'static str,
    /// Label, read aloud and shown before the choice.
    #[prop(into)]
    label: String,
    /// The choices.
    choices: Vec<Choice>,
    /// What is chosen.
    #[prop(optional_no_strip, into)]
    selected: Option<String>,
    /// What no choice is called.
    #[prop(default = "any")]
    none: &'static str,
) -> impl IntoView {
    // A value from an old link that is no choice any more is still shown, or the list would lie.
    let stray = selected.clone().filter(|value| !value.is_empty() && choices.iter().all(|c| &c.value != value));
    let chosen = selected.clone().unwrap_or_default();
    let options: Vec<_> = stray
        .map(Choice::word)
        .into_iter()
        .chain(choices)
        .map(|choice| {
            let text = match choice.count {
                Some(count) => format!("{} ({})", choice.label, number_text(count)),
                None => choice.label,
            };
            let is_chosen = chosen == choice.value;
            view! { <option value=choice.value selected=is_chosen>{text}</option> }
        })
        .collect();
    let is_set = !chosen.is_empty();
    let list = NodeRef::<html::Select>::new();
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            give(&list, &chosen);
        }
    });
    view! {
        <label class="field-inline" class:set=is_set>
            <span class="field-label">{label}</span>
            <select name=name node_ref=list>
                <option value="" selected=!is_set>{none}</option>
                {options}
            </select>
        </label>
    }
}

/// A line of text with label, hint and error.
#[component]
pub fn TextField(
    /// Key in the address or form.
    name: &'static str,
    /// Label.
    #[prop(into)]
    label: String,
    /// What stands in it.
    #[prop(optional_no_strip, into)]
    value: Option<String>,
    /// An example of what could stand in it.
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with it and how to mend it.
    #[prop(optional_no_strip, into)]
    error: Option<String>,
    /// `search` shows the magnifier and hides the label from sight.
    #[prop(optional)]
    search: bool,
    /// The id of a list that it offers.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let invalid = error.is_some();
    let about = (invalid || hint.is_some()).then(|| format!("{name}-about"));
    let kind = if search { "search" } else { "text" };
    let (field, given) = (NodeRef::<html::Input>::new(), value.clone().unwrap_or_default());
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            give(&field, &given);
        }
    });
    view! {
        <div class="field" class:field-search=search class:invalid=invalid>
            <label class:sr-only=search for=format!("field-{name}")>{label}</label>
            <span class="input">
                {search.then(|| view! { <Icon glyph=Glyph::Search /> })}
                <input
                    id=format!("field-{name}")
                    type=kind
                    name=name
                    value=value
                    node_ref=field
                    placeholder=placeholder
                    list=list
                    aria-describedby=about.clone()
                    aria-invalid=invalid.then_some("true")
                    autocomplete="off"
                />
            </span>
            {match (error, hint) {
                (Some(error), _) => {
                    Some(view! { <p class="field-error" id=about>{error}</p> }.into_any())
                }
                (None, Some(hint)) => Some(view! { <p class="field-hint" id=about>{hint}</p> }.into_any()),
                (None, None) => None,
            }}
        </div>
    }
}
