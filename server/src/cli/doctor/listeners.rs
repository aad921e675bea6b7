use futures::{StreamExt as _, stream};
use triggers::knock;
use url::Url;

use super::WITHIN;
use super::report::Report;
use crate::config::Config;
use crate::start;

const PART: &str = "listeners";
/// Targets that are asked at once.
const AT_ONCE: usize = 4;
const ADVICE: &str = "see that it runs, and that this machine may reach it: names, proxies, network policies";

/// Asks whom triggers of the configuration tell for a sign of life, by what deliveries go through. Nothing is told: any answer
/// but a failure of its own is one.
pub(super) async fn look(report: &mut Report, config: &Config) {
    let told: Vec<(String, Url)> = config
        .triggers
        .iter()
        .filter(|trigger| trigger.is_enabled)
        .filter_map(|trigger| Some((trigger.name.clone(), trigger.url()?)))
        .collect();
    if told.is_empty() {
        return report.ok(PART, "no trigger is configured that tells anybody");
    }
    let client = match start::configured_targets(config) {
        Ok(client) => client,
        Err(error) => {
            return report.fail(PART, format!("{error:#}"), "install the system's certificates");
        }
    };
    let ask = |(name, url): (String, Url)| {
        let client = client.clone();
        // A path may be as good as a password.
        let place =
            url.host_str().map(|host| url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
        async move { (name, place.unwrap_or_default(), knock(&client, &url, WITHIN).await) }
    };
    let answers: Vec<_> = stream::iter(told).map(ask).buffered(AT_ONCE).collect().await;
    for (name, place, answer) in answers {
        match answer {
            Ok(status @ 500..) => report.fail(PART, format!("{name}: {place} answers {status}"), ADVICE),
            Ok(_) => report.ok(PART, format!("{name}: {place} answers")),
            Err(why) => report.fail(PART, format!("{name}: {place} {why}"), ADVICE),
        }
    }
}
