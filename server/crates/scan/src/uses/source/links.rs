//! Addresses of old: kubesearch has shown releases under keys made in four ways, and links to all of them exist.

/// Repositories that kubesearch took for another, once a slash is put behind them.
const MOVED: [(&str, &str); 7] = [
    ("https://bjw-s.github.io/helm-charts/", "oci://ghcr.io/bjw-s/helm/"),
    ("https://charts.bitnami.com/bitnami/", "oci://registry-1.docker.io/bitnamicharts/"),
    ("https://github.com/prometheus-community/helm-charts/", "oci://ghcr.io/prometheus-community/charts/"),
    ("https://prometheus-community.github.io/helm-charts/", "oci://ghcr.io/prometheus-community/charts/"),
    ("https://actions.github.io/actions-runner-controller/", "oci://ghcr.io/actions/actions-runner-controller-charts/"),
    ("https://kyverno.github.io/kyverno/", "oci://ghcr.io/kyverno/charts/"),
    ("https://grafana.github.io/helm-charts/", "oci://ghcr.io/grafana-operator/helm-charts/"),
];

/// The keys of a release, newest first: of the source's address as written, the chart, and the release's name.
#[must_use]
pub fn kubesearch_keys(url: &str, chart: &str, release: &str) -> Vec<Box<str>> {
    let slashed = format!("{}/", url.trim_end_matches('/'));
    let moved = MOVED.iter().find(|(from, _)| *from == slashed).map_or(url, |(_, to)| to);
    let newest = if is_bjw_s(url) { "oci://ghcr.io/bjw-s-labs/charts/" } else { moved };
    let mut keys: Vec<Box<str>> = Vec::new();
    for key in [
        finish(by_url(&strip(&newest.replacen("oci://", "", 1)), chart, release)),
        finish(by_url(&strip(&moved.replacen("oci://", "", 1)), chart, release)),
        finish(by_name(&strip(&moved.replacen("oci://", "", 1)), chart, release)),
        finish(by_name(&strip(url), chart, release)),
    ] {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn is_bjw_s(url: &str) -> bool {
    let holds = |owner: &str| {
        url.match_indices(owner).any(|(at, _)| {
            let rest = &url[at + owner.len()..];
            ["helm", "charts", "app-template"].iter().any(|name| rest.starts_with(name))
        })
    };
    url.contains("bjw-s.github.io/helm-charts") || holds("ghcr.io/bjw-s/") || holds("ghcr.io/bjw-s-labs/")
}

fn strip(url: &str) -> String {
    let url = url.replacen("https://", "", 1).replacen("http://", "", 1);
    url.strip_suffix('/').unwrap_or(&url).replace('/', "-")
}

fn by_name(url: &str, chart: &str, release: &str) -> String {
    if chart == release { format!("{url}-{chart}") } else { format!("{url}-{chart}-{release}") }
}

fn by_url(url: &str, chart: &str, release: &str) -> String {
    match (url.ends_with(chart), chart == release) {
        (true, true) => url.to_owned(),
        (true, false) => format!("{url}-{release}"),
        (false, _) => by_name(url, chart, release),
    }
}

fn finish(key: String) -> Box<str> {
    let mut out = String::with_capacity(key.len());
    let mut in_space = false;
    for character in key.chars() {
        if character.is_whitespace() {
            if !in_space {
                out.push('-');
            }
            in_space = true;
            continue;
        }
        in_space = false;
        if character.is_ascii_alphanumeric() || character == '.' || character == '-' {
            out.push(character.to_ascii_lowercase());
        }
    }
    out.trim_start_matches('.').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_in_every_way_they_were_made() {
        let keys = |url: &str, chart: &str, release: &str| kubesearch_keys(url, chart, release).join(" ");
        assert_eq!(keys("https://a.example/x/", "web", "web"), "a.example-x-web");
        assert_eq!(
            keys("oci://ghcr.io/me/web", "web", "shop"),
            "ghcr.io-me-web-shop ghcr.io-me-web-web-shop oci--ghcr.io-me-web-web-shop"
        );
        assert_eq!(
            keys("https://kyverno.github.io/kyverno/", "kyverno", "kyverno"),
            "ghcr.io-kyverno-charts-kyverno kyverno.github.io-kyverno-kyverno"
        );
        assert_eq!(kubesearch_keys("oci://ghcr.io/bjw-s/helm/", "x", "x")[0].as_ref(), "ghcr.io-bjw-s-labs-charts-x");
    }
}
