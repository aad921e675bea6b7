use leptos::prelude::*;

/// A line in a form, of any type that browsers and password managers know.
#[component]
pub fn InputField(
    /// Key in the form.
    name: &'static str,
    /// Label.
    label: &'static str,
    /// `text`, `email`, `password`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers and password managers fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// What stands in it.
    #[prop(optional_no_strip, into)]
    value: Option<String>,
    /// What to know before typing.
    #[prop(optional)]
    hint: &'static str,
    /// Tells fields of one name in several forms apart.
    #[prop(default = "field")]
    within: &'static str,
    /// Whether the form needs it.
    #[prop(default = true)]
    required: bool,
    /// Has the caret when the page opens.
    #[prop(optional)]
    first: bool,
    /// `numeric` brings the keypad of a phone.
    #[prop(optional)]
    inputmode: &'static str,
) -> impl IntoView {
    let id = format!("{within}-{name}");
    let about = (!hint.is_empty()).then(|| format!("{id}-about"));
    let inputmode = (!inputmode.is_empty()).then_some(inputmode);
    let is_text = matches!(kind, "text") && autocomplete == "name";
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <span class="input">
                <input
                    id=id
                    type=kind
                    name=name
                    value=value
                    autocomplete=autocomplete
                    autocapitalize=(!is_text).then_some("none")
                    spellcheck="false"
                    inputmode=inputmode
                    required=required
                    autofocus=first
                    aria-describedby=about.clone()
                />
            </span>
            {about.map(|about| view! { <p class="field-hint" id=about>{hint}</p> })}
        </div>
    }
}
