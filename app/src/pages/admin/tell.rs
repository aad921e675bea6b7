//! What is told of forges, in sentences.

use entity::kind::{Provider, TokenSource};
use entity::view::{ForgeBudget, ForgeStatus, TokenTest};

use super::data::ForgeRow;
use crate::components::counted;

pub(super) fn forge(forge: ForgeStatus) -> ForgeRow {
    let searched = if forge.is_searched { "It is searched; " } else { "" };
    let many = counted(forge.repositories, "repository comes", "repositories come");
    let token = match (forge.token, forge.entered_at) {
        (TokenSource::None, _) => "No token is set.",
        (TokenSource::Environment, None) => "Its token comes from GITHUB_TOKEN in the environment.",
        (TokenSource::Configuration, None) => "Its token comes from the configuration.",
        (TokenSource::Environment, Some(_)) => {
            "Its token comes from GITHUB_TOKEN in the environment, which wins over the one entered here."
        }
        (TokenSource::Configuration, Some(_)) => {
            "Its token comes from the configuration, which wins over the one entered here."
        }
        (TokenSource::Entered, _) => "Its token was entered here.",
    };
    ForgeRow {
        about: format!("{searched}{many} from there. {token}"),
        budgets: forge.budgets.iter().map(|found| format!("{}.", budget(found))).collect(),
        last_error: forge.last_error,
        entered_at: forge.entered_at,
        scopes: scopes(forge.provider).to_owned(),
        host: forge.host,
    }
}

/// What a token needs, by the forges' own names.
const fn scopes(provider: Provider) -> &'static str {
    match provider {
        Provider::Github => {
            "For public repositories a classic token without any scope, or a fine-grained one, is enough: it raises the limits. \
             For private ones: repo, or Contents and Metadata (read-only)."
        }
        Provider::Gitlab => "A personal access token with read_api; with read_repository too for private repositories.",
        Provider::Forgejo | Provider::Git => "A token with read:repository; with read:user too it is told whose it is.",
    }
}

fn budget(found: &ForgeBudget) -> String {
    let number = |value: Option<i64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let spent = match found.spent_last_24_h {
        0 => String::new(),
        spent => format!(", {spent} spent in 24 hours"),
    };
    format!("{}: {} of {} left{spent}", found.resource, number(found.remaining), number(found.quota))
}

/// What a forge told of a token.
pub(super) fn tested(test: &TokenTest) -> String {
    let login = test.login.as_ref().map(|login| format!(" It is {login}’s.")).unwrap_or_default();
    let scopes = match test.scopes.as_deref() {
        None => String::new(),
        Some([]) => " It has no scopes.".to_owned(),
        Some(scopes) => format!(" Its scopes: {}.", scopes.join(", ")),
    };
    let budgets: Vec<String> = test.budgets.iter().map(budget).collect();
    let budgets = if budgets.is_empty() { String::new() } else { format!(" Its limits: {}.", budgets.join("; ")) };
    format!("{} takes the token.{login}{scopes}{budgets}", test.host)
}
