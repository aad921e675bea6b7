use entity::kind::SessionKind;
use entity::view::Timestamp;
use leptos::form::ActionForm;
use leptos::prelude::*;

use super::act::{EndOtherSessions, EndSession};
use super::data::SessionRow;
use crate::components::{ActFailed, ActForm, Section, Table, TimeAgo};

/// Where somebody is signed in.
pub(super) fn view(sessions: Vec<SessionRow>, now: Timestamp) -> AnyView {
    let others = sessions.iter().any(|row| !row.is_this).then(|| {
        let action = ServerAction::<EndOtherSessions>::new();
        view! { <ActForm action><button type="submit" class="button small">"Sign out everywhere else"</button></ActForm> }
            .into_any()
    });
    // One form's answer is shown once, not in every row.
    let action = ServerAction::<EndSession>::new();
    let rows = sessions.into_iter().map(|row| one(row, action, now)).collect_view();
    view! {
        <Section title="Sessions" id="sessions" aside=others.unwrap_or_else(|| ().into_any())>
            <p class="quiet">"Where you are signed in. End what you don’t recognise, and change your password then."</p>
            <ActFailed action />
            <Table caption="Sessions">
                <thead>
                    <tr>
                        <th scope="col">"Device"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Last seen"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col"><span class="sr-only">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Section>
    }
    .into_any()
}

fn one(row: SessionRow, action: ServerAction<EndSession>, now: Timestamp) -> AnyView {
    let SessionRow { session, is_this, device } = row;
    let mark = if is_this { Some("this one") } else { (session.kind == SessionKind::Api).then_some("API") };
    let end = (!is_this).then(|| {
        let (id, label) = (session.id.to_string(), format!("Sign out {device}"));
        view! {
            <ActionForm action>
                <input type="hidden" name="session_id" value=id />
                <button type="submit" class="button small" aria-label=label>"Sign out"</button>
            </ActionForm>
        }
    });
    view! {
        <tr>
            <th scope="row" data-label="Device" title=session.user_agent.unwrap_or_default()>
                {device} " " {mark.map(|mark| view! { <span class="tag">{mark}</span> })}
            </th>
            <td data-label="Address">{session.address.unwrap_or_else(|| "not known".to_owned())}</td>
            <td data-label="Last seen"><TimeAgo time=session.seen_at now /></td>
            <td data-label="Signed in"><TimeAgo time=session.created_at now /></td>
            <td class="num">{end}</td>
        </tr>
    }
    .into_any()
}
