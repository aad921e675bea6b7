//! `/repositories/add`: addresses in, one answer each.

mod data;

use entity::kind::AddVerdict;
use entity::view::Added;
use leptos::prelude::*;

use self::data::{AddData, read_add};
use super::outcome::AddRepositories as Add;
use super::outcome::outcome;
use super::{load, show};
use crate::components::{
    ActForm, Breadcrumb, Crumb, Glyph, PageHead, PageUrl, Section, SkeletonBlock, TextArea, counted, repository_href,
    status,
};

/// Add repositories.
#[component]
pub fn AddRepositories() -> impl IntoView {
    let page = load(|_, query| read_add(query), |_, _| false);
    show(page, "The form", || view! { <SkeletonBlock of="head" /> }.into_any(), view)
}

fn view(data: AddData, _: PageUrl) -> AnyView {
    let AddData { added, outcome: told, urls } = data;
    let mends = !added.is_empty() && !urls.is_empty();
    let hint = if mends { "What was refused stands here again, to be mended." } else { HINT };
    let crumbs = vec![Crumb::link("Repositories", "/repositories"), Crumb::here("Add")];
    let action = ServerAction::<Add>::new();
    view! {
        <Breadcrumb crumbs />
        <PageHead title="Add repositories" />
        {outcome(told)}
        {answers(added)}
        <ActForm action class="add-form">
            <TextArea
                name="urls"
                label="Addresses, one on each line"
                value=urls
                placeholder="https://github.com/owner/name"
                hint
            />
            <p>
                <button type="submit" class="button primary">"Add"</button>
            </p>
            <p class="quiet">"A private one is given its token once it is here: at Branches, Watch, Access of its own."</p>
        </ActForm>
        <Section title="Or name them in the configuration">
            <p class="quiet">
                "What " <code>"kubestats.yaml"</code>
                " names is there after every start, may be private or a folder of the server, and can't be deleted here."
            </p>
            <pre class="snippet"><code>{SNIPPET}</code></pre>
            <p class="quiet">
                "To have repositories found instead, see " <a href="/repositories/coverage">"what is searched"</a> "."
            </p>
        </Section>
    }
    .into_any()
}

const HINT: &str = "As a browser or git has them: https://github.com/owner/name, git@host:owner/name.git, or owner/name \
                    for GitHub. Up to 1,000 at once.";

const SNIPPET: &str = "repositories:\n  - url: https://github.com/owner/name\n  - url: https://git.example.com/owner/private\n    token: ${GIT_TOKEN}";

fn answers(added: Vec<Added>) -> Option<AnyView> {
    if added.is_empty() {
        return None;
    }
    let count = |of: fn(&Added) -> bool| i64::try_from(added.iter().filter(|a| of(a)).count()).unwrap_or(i64::MAX);
    let new = count(|a| a.verdict == AddVerdict::Added);
    let known = count(|a| matches!(a.verdict, AddVerdict::Known | AddVerdict::Repeated));
    let refused = count(|a| matches!(a.verdict, AddVerdict::Blocked | AddVerdict::Private | AddVerdict::Invalid));
    let mut title = vec![format!("{} added", counted(new, "repository", "repositories"))];
    title.extend((known > 0).then(|| format!("{known} already here")));
    title.extend((refused > 0).then(|| format!("{refused} refused")));
    let title = title.join(", ");
    let next = (new > 0)
        .then(|| view! { <p class="quiet">"What was added is being fetched now; its page fills by itself."</p> });
    Some(
        view! {
            <section class="section answers" role="status" aria-label="What came of it">
                <div class="section-head"><h2>{title}</h2><a href="/repositories">"All repositories"</a></div>
                {next}
                <ul class="answer-list">{added.into_iter().map(answer).collect_view()}</ul>
            </section>
        }
        .into_any(),
    )
}

fn answer(added: Added) -> AnyView {
    let (tone, glyph, word) = match added.verdict {
        AddVerdict::Added => ("good", Glyph::Check, "Added"),
        AddVerdict::Known => ("idle", Glyph::Check, "Here already"),
        AddVerdict::Repeated => ("idle", Glyph::Copy, "Twice in the list"),
        AddVerdict::Blocked => ("warn", Glyph::Blocked, "Blocked"),
        AddVerdict::Private => ("bad", Glyph::Failed, "Private address"),
        AddVerdict::Invalid => ("bad", Glyph::Failed, "Not usable"),
    };
    let address = match added.repository_id {
        Some(id) => view! { <a class="path" href=repository_href(id)>{added.url}</a> }.into_any(),
        None => view! { <span class="path">{added.url}</span> }.into_any(),
    };
    let reason = added.refused.map(|reason| view! { <span class="quiet answer-why">{reason} "."</span> });
    view! {
        <li>
            {status(tone, glyph, word)}
            {address}
            {reason}
        </li>
    }
    .into_any()
}
