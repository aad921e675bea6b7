//! Tokens that stand in clear: each gets the name of an environment variable, the same for the same token.

use zeroize::Zeroizing;

use super::private_file;

/// Tokens with their names, and where they stood.
#[derive(Default)]
pub(super) struct Tokens {
    found: Vec<(String, Zeroizing<String>)>,
    places: Vec<(String, u32, String, String)>,
}

impl Tokens {
    /// The variable for a token that stands at a place; `for_what` names the first that has it.
    pub(super) fn name(&mut self, token: &str, for_what: &str, (file, line, key): (&str, u32, &str)) -> String {
        let known = self.found.iter().find(|(_, known)| known.as_str() == token).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| {
            let name = self.free_name(for_what);
            self.found.push((name.clone(), Zeroizing::new(token.to_owned())));
            name
        });
        self.places.push((file.to_owned(), line, key.to_owned(), name.clone()));
        name
    }

    fn free_name(&self, for_what: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let base: String = for_what.chars().take(60).map(plain).collect();
        // A name can't begin with a digit, and one of another program's is not to be taken.
        let base = format!("REPOSENTRY_{}", base.trim_matches('_'));
        let is_free = |name: &String| self.found.iter().all(|(other, _)| other != name);
        let numbered = (2..).map(|number| format!("{base}_{number}_TOKEN"));
        std::iter::once(format!("{base}_TOKEN")).chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|(name, _)| name.as_str())
    }

    /// File, line, key and variable of every token that stood in clear.
    pub(super) fn places(&self) -> &[(String, u32, String, String)] {
        &self.places
    }

    /// What a shell and systemd read.
    pub(super) fn env_file(&self) -> Zeroizing<String> {
        private_file::env_file(self.found.iter().map(|(name, token)| (name.as_str(), token.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_token_has_one_name_and_another_has_another() {
        let mut tokens = Tokens::default();
        let at = ("x", 1, "k");
        assert_eq!(tokens.name("a", "my app", at), "REPOSENTRY_MY_APP_TOKEN");
        assert_eq!(tokens.name("b", "my-app", at), "REPOSENTRY_MY_APP_2_TOKEN");
        assert_eq!(tokens.name("a", "other", at), "REPOSENTRY_MY_APP_TOKEN");
        assert_eq!((tokens.names().count(), tokens.places().len()), (2, 3));
        assert!(tokens.env_file().contains("REPOSENTRY_MY_APP_TOKEN='a'\n"));
    }
}
