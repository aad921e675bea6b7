//! Repositories that change most, and those that are new here.

use entity::view::{ActiveRepository, NewRepository, Timestamp};
use leptos::prelude::*;

use crate::components::{EmptyState, Number, Section, Table, TimeAgo, repository_href};

pub(super) fn most_active(repositories: Vec<ActiveRepository>) -> AnyView {
    if repositories.is_empty() {
        return view! {
            <Section title="Most active repositories">
                <EmptyState title="Nothing changed in the last 30 days" />
            </Section>
        }
        .into_any();
    }
    let row = |repository: ActiveRepository| {
        view! {
            <tr>
                <td class="row-link" data-label="Repository">
                    <a href=repository_href(repository.repository_id)>{repository.full_name}</a>
                </td>
                <td data-label="By day">
                    <svg class="spark" viewBox="0 0 300 100" preserveAspectRatio="none" aria-hidden="true">
                        <path d=bars(&repository.daily)></path>
                    </svg>
                </td>
                <td class="num" data-label="Changes"><Number value=repository.changes /></td>
            </tr>
        }
    };
    view! {
        <Section title="Most active repositories">
            <Table caption="Repositories with most changes in the last 30 days">
                <thead>
                    <tr>
                        <th scope="col">"Repository"</th>
                        <th scope="col">"Last 30 days"</th>
                        <th scope="col" class="num">"Changes"</th>
                    </tr>
                </thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

/// A bar for each day, 10 wide, the highest 100 high.
fn bars(daily: &[i64]) -> String {
    let most = daily.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (day, count) in daily.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (count * 100 / most).max(4);
        path.push_str(&format!("M{} 100v-{height}h8V100z", day * 10 + 1));
    }
    path
}

pub(super) fn newest(repositories: Vec<NewRepository>, now: Timestamp) -> AnyView {
    let row = move |repository: NewRepository| {
        let about = repository.description.map(|text| view! { <span class="row-about quiet">{text}</span> });
        let first = match repository.first_day {
            Some(day) => view! { <span class="num">{day}</span> }.into_any(),
            None => view! { <span class="quiet">"not known"</span> }.into_any(),
        };
        view! {
            <tr>
                <td class="row-link" data-label="Repository">
                    <a href=repository_href(repository.repository_id)>{repository.full_name}</a>
                    {about}
                </td>
                <td class="num" data-label="Resources"><Number value=repository.active_resources /></td>
                <td data-label="First change">{first}</td>
                <td data-label="Here since"><TimeAgo time=repository.discovered_at now /></td>
            </tr>
        }
    };
    view! {
        <Section title="Newest repositories">
            <Table caption="Repositories that came here last">
                <thead>
                    <tr>
                        <th scope="col">"Repository"</th>
                        <th scope="col" class="num">"Resources"</th>
                        <th scope="col">"First change"</th>
                        <th scope="col">"Here since"</th>
                    </tr>
                </thead>
                <tbody>{repositories.into_iter().map(row).collect_view()}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn days_without_changes_have_no_bar_and_few_are_still_seen() {
        assert_eq!(bars(&[0, 1000, 1]), "M11 100v-100h8V100zM21 100v-4h8V100z");
        assert_eq!(bars(&[0, 0]), "");
    }
}
