//! What mails say, in plain text.

use actions::mail::Content;
use entity::view::Timestamp;

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn place(from: Option<&str>) -> String {
    from.map(|address| format!(" from {address}")).unwrap_or_default()
}

/// Subject and text of a mail to this address.
pub(super) fn written(content: &Content, to: &str, public_url: &str) -> (String, String) {
    let was_you = format!(
        "If that was you, there is nothing to do. If not, choose a new password at\n{public_url}/account and tell an admin."
    );
    let (subject, body) = match content {
        Content::Reset { link, until } => (
            "Choose a new password for Kubestats".to_owned(),
            format!(
                "A new password was asked for, for the account {to}.\n\nChoose it here. The link works once, until {}:\n\n\
                 {public_url}/welcome/{link}\n\nIf you did not ask for it, there is nothing to do: your password stays as it is.",
                time(*until)
            ),
        ),
        Content::Invite { link, until } => (
            "Your account for Kubestats".to_owned(),
            format!(
                "There is an account for you, {to}.\n\nChoose a password here. The link works once, until {}:\n\n\
                 {public_url}/welcome/{link}\n\nIf you expect no such invitation, there is nothing to do.",
                time(*until)
            ),
        ),
        Content::PasswordChanged { at, from, is_reset } => {
            let (when, place) = (time(*at), place(from.as_deref()));
            let all = "\n\nSessions, API tokens and connections to sites that sign you in ended with the old one.";
            let ended = if *is_reset { all } else { "" };
            (
                "Your password for Kubestats was changed".to_owned(),
                format!("The password of the account {to} was changed at {when}{place}.{ended}\n\n{was_you}"),
            )
        }
        Content::SecondFactor { is_on, at, from } => {
            let word = if *is_on { "on" } else { "off" };
            let (when, place) = (time(*at), place(from.as_deref()));
            (
                format!("Two-factor sign-in was switched {word}"),
                format!("Two-factor sign-in of the account {to} was switched {word} at {when}{place}.\n\n{was_you}"),
            )
        }
        Content::Connection { is_on: true, site, who, at, from } => (
            "A site can sign you in to Kubestats from now on".to_owned(),
            format!(
                "Whoever signs in at {site} as {who} comes in as {to} since {}{}.\n\nIf that was you, there is nothing to \
                 do. If not, disconnect it and choose a new password at\n{public_url}/account and tell an admin.",
                time(*at),
                place(from.as_deref())
            ),
        ),
        Content::Connection { is_on: false, site, who, at, from } => (
            "A site signs you in to Kubestats no more".to_owned(),
            format!(
                "Whoever signs in at {site} as {who} no longer comes in as {to} since {}{}.\n\n{was_you}",
                time(*at),
                place(from.as_deref())
            ),
        ),
        Content::TokenExpires { name, at } => (
            format!("Your token {name} expires soon"),
            format!(
                "The token {name} of the account {to} works until {}.\n\nWhatever uses it needs another one by then: \
                 {public_url}/account",
                time(*at)
            ),
        ),
        // It may go to a stranger, whom it does not tell whose account it is.
        Content::Address { link, until } => (
            "Confirm your e-mail address for Kubestats".to_owned(),
            format!(
                "Somebody who has an account at {public_url} gave {to} as their new e-mail address.\n\nIf that was you, open \
                 this in a browser in which you are signed in. The link works once, until {}:\n\n{public_url}/welcome/{link}\n\n\
                 If it was not you, there is nothing to do: the address counts only once the link was opened by whose account \
                 it is.",
                time(*until)
            ),
        ),
        Content::AddressChanged { to: new, at } => (
            "Your e-mail address for Kubestats was changed".to_owned(),
            format!(
                "The account that had this address, {to}, has the address {new} since {}. Mails go there from now on.\n\n\
                 If that was you, there is nothing to do. If not, tell an admin of {public_url} at once.",
                time(*at)
            ),
        ),
    };
    (subject, format!("{body}\n\n-- \nKubestats, {public_url}\n"))
}
