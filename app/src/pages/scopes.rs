use entity::kind::Provider;

/// What a forge's token needs, by the forges' own names.
pub(crate) const fn scopes(provider: Provider) -> &'static str {
    match provider {
        Provider::Github => {
            "For public repositories a classic token without any scope, or a fine-grained one, is enough: it raises the limits. \
             For private ones: repo, or Contents and Metadata (read-only)."
        }
        Provider::Gitlab => "A personal access token with read_api; with read_repository too for private repositories.",
        Provider::Forgejo => "A token with read:repository; with read:user too it is told whose it is.",
        Provider::Git => "What its server takes as a password by HTTPS, with the right to read.",
    }
}
