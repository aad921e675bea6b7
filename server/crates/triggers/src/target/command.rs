//! Commands on this machine: the event as JSON comes in by the standard input, what is asked for most by variables.

use super::{Command, Content, TargetError, Telling, webhook};

/// What programs find other programs by: nothing of our own environment is passed on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn content(command: &[String], telling: &Telling<'_>) -> Result<Content, TargetError> {
    let mut variables = vec![("PATH", PATH.to_owned())];
    variables.extend(variables_of_command(telling));
    Ok(Content::Command(Command { command: command.to_vec(), variables, input: webhook::body(telling)? }))
}

/// No variable can hold a zero byte.
fn variables_of_command(telling: &Telling<'_>) -> impl Iterator<Item = (&'static str, String)> {
    variables(telling).into_iter().map(|(name, value)| (name, value.replace('\0', "\u{fffd}")))
}

/// What is asked for most, by the names that commands and pipelines of GitLab see.
pub(super) fn variables(telling: &Telling<'_>) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("KUBESTATS_DELIVERY_ID", telling.delivery_id.to_string()),
        ("KUBESTATS_EVENT", telling.kind.to_string()),
        ("KUBESTATS_REPOSITORY", telling.repository_full_name.to_owned()),
        ("KUBESTATS_REPOSITORY_URL", telling.repository_url.to_owned()),
        ("KUBESTATS_PROVIDER", telling.provider.to_string()),
        ("KUBESTATS_BRANCH", telling.branch.to_owned()),
        ("KUBESTATS_TRIGGER", telling.trigger_name.to_owned()),
    ];
    let commit = telling.new_commit.filter(|_| !telling.is_gone());
    let optional = [
        ("KUBESTATS_COMMIT", commit.map(|it| it.to_string())),
        ("KUBESTATS_PREVIOUS_COMMIT", telling.old_commit.map(|it| it.to_string())),
        ("KUBESTATS_FORCED", telling.is_forced.map(|it| it.to_string())),
        ("KUBESTATS_TEKTON_ACTION", telling.tekton.map(|it| it.estimated_action.to_string())),
    ];
    variables.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    variables
}
