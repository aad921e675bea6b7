use entity::kind::{Permission, WhyNotKind};
use entity::view::{Timestamp, WhyNot, web_page};
use leptos::prelude::*;

use crate::components::{Glyph, Icon, PageUrl, SearchForm, Section, TextField, TimeAgo, repository_href, status};
use crate::viewer::may;

/// One question, and the answers to it.
pub(super) fn view(url: &PageUrl, answers: Vec<WhyNot>, now: Timestamp) -> AnyView {
    let asked = url.get("why").map(str::to_owned);
    let carried: Vec<_> = url
        .pairs()
        .iter()
        .filter(|(key, _)| key != "why")
        .map(|(key, value)| view! { <input type="hidden" name=key.clone() value=value.clone() /> })
        .collect();
    let path = url.path().to_owned();
    let answers = answers.into_iter().map(|answer| one(answer, now)).collect_view();
    view! {
        <Section title="Why is a repository not here?">
            <SearchForm action=path class="why-form" stay=true>
                {carried}
                <TextField
                    name="why"
                    label="Owner and name, or address"
                    placeholder="owner/name or https://github.com/owner/name"
                    value=asked
                />
                <button type="submit" class="button">"Ask"</button>
            </SearchForm>
            <div role="status"><ul class="whys">{answers}</ul></div>
        </Section>
    }
    .into_any()
}

fn one(answer: WhyNot, now: Timestamp) -> AnyView {
    let (tone, glyph, word) = match answer.kind {
        WhyNotKind::Here => ("good", Glyph::Check, "It is here"),
        WhyNotKind::PendingApproval => ("warn", Glyph::Clock, "To approve"),
        WhyNotKind::Blocked => ("warn", Glyph::Blocked, "Not fetched"),
        WhyNotKind::LeftOut => ("warn", Glyph::Filter, "Left out"),
        WhyNotKind::Deleted => ("warn", Glyph::Minus, "Deleted here"),
        WhyNotKind::NotFound => ("idle", Glyph::Search, "Not found"),
        WhyNotKind::NotSearched => ("idle", Glyph::Search, "Not searched"),
        WhyNotKind::Invalid => ("bad", Glyph::Failed, "No repository"),
    };
    let name = match (answer.repository_id, web_page(answer.web_url.clone())) {
        (Some(id), _) => view! { <a href=repository_href(id)>{answer.name}</a> }.into_any(),
        (None, Some(href)) => {
            view! { <a href=href rel="noopener external">{answer.name} " " <Icon glyph=Glyph::External /></a> }
                .into_any()
        }
        (None, None) => view! { <span>{answer.name}</span> }.into_any(),
    };
    let at = answer.at.map(|time| view! { <TimeAgo time now /> });
    let remedy = answer.remedy.map(|remedy| {
        view! { <p class="why-remedy"><strong>"To have it here: "</strong> {remedy} "."</p> }
    });
    let add = answer.add.filter(|_| may(Permission::ManageRepositories)).map(|address| {
        let href = PageUrl::new("/repositories/add").with("urls", address).href();
        view! { <p><a class="button small" href=href>"Add it"</a></p> }
    });
    view! {
        <li class="why">
            <p class="why-head">
                {status(tone, glyph, word)}
                <strong>{name}</strong>
                {at}
            </p>
            <p>{answer.detail} "."</p>
            {remedy}
            {add}
        </li>
    }
    .into_any()
}
