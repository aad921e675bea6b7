//! How one repository's forge is asked about it, where the configuration gives it a token or an address of its own.

use std::sync::Arc;

use forge::{Forge, ForgeError};
use url::Url;

use super::entered::without_place;
use crate::config::{ForgeConfig, RepositoryConfig, Secret};

/// What the configuration says of how one repository's forge is asked about it.
pub(super) struct OwnForge {
    token: Option<Secret>,
    api_base_url: Option<String>,
    token_key: String,
}

impl OwnForge {
    pub(super) fn new(repository: &RepositoryConfig) -> Option<(String, Self)> {
        let (token, api_base_url) = (repository.token.clone(), repository.api_base_url.clone());
        let token_key = format!("the token of the repository {}", repository.name);
        let is_any = token.is_some() || api_base_url.is_some();
        is_any.then(|| (repository.url.clone(), Self { token, api_base_url, token_key }))
    }

    /// The forge as it is asked about this repository. A token that was given for one address goes to no other.
    pub(super) fn over(&self, usual: ForgeConfig) -> ForgeConfig {
        let api = self.api_base_url.as_ref();
        let is_elsewhere = api.is_some_and(|api| Url::parse(api).ok() != usual.api());
        let mut forge = usual;
        if is_elsewhere {
            (forge.token, forge.api_base_url) = (None, api.cloned());
        }
        if let Some(token) = &self.token {
            (forge.token, forge.token_key) = (Some(token.clone()), self.token_key.clone());
        }
        forge
    }
}

/// A repository's forge, as it is asked about that repository.
pub struct RepositoryForge {
    pub client: Arc<dyn Forge>,
    pub has_token: bool,
    /// It is asked by what somebody entered for this repository alone.
    pub is_entered: bool,
    /// And at an address that somebody entered, which is not the forge's own.
    pub is_elsewhere: bool,
}

impl RepositoryForge {
    /// Whom everybody reads that was asked.
    #[must_use]
    pub fn name(&self) -> String {
        match self.is_elsewhere {
            true => self.client.host().to_owned(),
            false => format!("the API of {}", self.client.host()),
        }
    }

    /// What went wrong, as everybody may read it.
    #[must_use]
    pub fn told(&self, error: ForgeError) -> ForgeError {
        match self.is_elsewhere {
            true => without_place(self.client.host(), error),
            false => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use entity::kind::Provider;

    use super::*;

    /// The API's address and the token that a repository of GitHub's is asked about with.
    fn asked(own: &str) -> (String, Option<String>) {
        let text = format!("repositories: [{{url: 'https://github.com/ada/home', {own}}}]");
        let environment = [("OWN_TOKEN".to_owned(), "own".to_owned())].into();
        let config = crate::config::parse(Path::new("test"), &text, environment).unwrap();
        let usual = ForgeConfig {
            token: Some(Secret::new("usual".to_owned())),
            ..ForgeConfig::of_host("github.com", Provider::Github)
        };
        let forge = match OwnForge::new(&config.repositories[0]) {
            Some((_, own)) => own.over(usual),
            None => usual,
        };
        (forge.api().unwrap().to_string(), forge.token.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn a_token_goes_only_where_it_was_given_for() {
        let told = |api: &str, token: Option<&str>| (api.to_owned(), token.map(str::to_owned));
        let (usual, other) = ("https://api.github.com/", "https://ghe.example.org/api/v3");
        assert_eq!(asked("name: home"), told(usual, Some("usual")));
        assert_eq!(asked("token: '${OWN_TOKEN}'"), told(usual, Some("own")));
        assert_eq!(asked("api_base_url: 'https://api.github.com'"), told(usual, Some("usual")));
        assert_eq!(asked(&format!("api_base_url: '{other}'")), told(other, None));
        assert_eq!(asked(&format!("api_base_url: '{other}', token: '${{OWN_TOKEN}}'")), told(other, Some("own")));
    }
}
