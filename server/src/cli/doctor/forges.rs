use chrono::TimeDelta;
use forge::{ForgeError, Probe, Window};
use futures::future::join_all;

use super::WITHIN;
use super::report::Report;
use crate::clock;
use crate::config::{Config, ForgeConfig};
use crate::forges::Forges;

const PART: &str = "forges";
/// A clock that differs by more makes waits and schedules odd; an answer is a second or two old.
const CLOCK_WARN: TimeDelta = TimeDelta::seconds(30);
/// By more, TLS and tokens begin to fail.
const CLOCK_FAIL: TimeDelta = TimeDelta::minutes(5);

pub(super) async fn look(report: &mut Report, config: &Config, offline: bool) {
    if offline {
        report.ok(PART, "not asked (--offline)");
        return report.ok("clock", "not compared (--offline)");
    }
    let forges: Vec<&ForgeConfig> = config.forges.iter().filter(|forge| is_used(config, forge)).collect();
    if forges.is_empty() {
        report.ok(PART, "none is configured, and none is asked");
        return report.ok("clock", "not compared: no forge is asked");
    }
    let asked = forges.iter().map(|forge| async move {
        let probe = tokio::time::timeout(WITHIN * 2, Forges::probe(config, forge, WITHIN)).await;
        (forge.host(), probe.ok())
    });
    let mut skew: Option<TimeDelta> = None;
    for (host, probe) in join_all(asked).await {
        match probe {
            Some(Ok(probe)) => {
                let differs = probe.time.map(|time| clock::now() - time);
                let wider = |differs: &TimeDelta| skew.is_none_or(|skew| differs.abs() > skew.abs());
                skew = differs.filter(wider).or(skew);
                tell(report, &host, &probe);
            }
            Some(Err(error)) => refused(report, &host, &error),
            None => {
                let message = format!("{host} does not answer within {} s", 2 * WITHIN.as_secs());
                report.fail(PART, message, "see that this machine may reach it: names, proxies, firewalls");
            }
        }
    }
    compare_clocks(report, skew);
}

/// Whether anything asks this forge; others are not asked by us.
fn is_used(config: &Config, forge: &ForgeConfig) -> bool {
    config.discovery.is_on() && forge.search || forge.is_trusted || is_named(config, forge)
}

/// Whether a repository of the configuration is on this forge.
fn is_named(config: &Config, forge: &ForgeConfig) -> bool {
    let host = |url: &str| entity::address::Address::read(url).ok().and_then(|address| address.forge_host());
    config.repositories.iter().any(|repository| host(&repository.url).is_some_and(|host| host == forge.host()))
}

fn tell(report: &mut Report, host: &str, probe: &Probe) {
    if probe.limits.is_empty() {
        return report.ok(PART, format!("{host} answers and tells no limit"));
    }
    let budgets: Vec<String> = probe.limits.iter().map(|(name, window)| budget(name, window)).collect();
    let message = format!("{host} answers; left of its limits: {}", budgets.join(", "));
    let is_low = |window: &Window| match (window.quota, window.remaining) {
        (Some(quota), Some(remaining)) => remaining * 10 < quota,
        _ => false,
    };
    match probe.limits.iter().any(|(_, window)| is_low(window)) {
        true => {
            report.warn(
                PART,
                message,
                "jobs wait until it is raised again; a token raises it, fewer topics spend less",
            );
        }
        false => report.ok(PART, message),
    }
}

fn budget(name: &str, window: &Window) -> String {
    let number = |value: Option<i64>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    let until = window.resets_at.map(|at| format!(" until {}", at.format("%H:%M UTC"))).unwrap_or_default();
    format!("{name} {} of {}{until}", number(window.remaining), number(window.quota))
}

fn refused(report: &mut Report, host: &str, error: &ForgeError) {
    let message = format!("{host}: {error}");
    match error {
        ForgeError::RateLimited { .. } => {
            report.warn(PART, message, "jobs wait until then by themselves; a token raises the limit");
        }
        ForgeError::Unreachable { .. } => {
            report.fail(PART, message, "see that this machine may reach it: names, proxies, firewalls");
        }
        _ => report.fail(PART, message, "mend what it says; syncs and searches of this forge fail until then"),
    }
}

fn compare_clocks(report: &mut Report, skew: Option<TimeDelta>) {
    const PART: &str = "clock";
    const ADVICE: &str = "let the machine set its clock by NTP: timedatectl set-ntp true";
    let Some(skew) = skew else {
        return report.warn(PART, "could not be compared: no forge told its time", "see the forges above");
    };
    let side = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let message = format!("{} s {side} the forges'", skew.num_seconds().abs());
    match skew.abs() {
        differs if differs > CLOCK_FAIL => report.fail(PART, message, ADVICE),
        differs if differs > CLOCK_WARN => report.warn(PART, message, ADVICE),
        _ => report.ok(PART, "right, by the forges' time"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn forges_that_only_repositories_name_are_asked_as_well() {
        let asked = |text: &str| -> Vec<String> {
            let config = crate::config::parse(Path::new("test"), text, [].into()).unwrap();
            config.forges.iter().filter(|forge| is_used(&config, forge)).map(ForgeConfig::host).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(asked(""), none);
        assert_eq!(asked("repositories: [{url: 'https://h.example/a/b', provider: forgejo}]"), none);
        let api = "api_base_url: 'https://h.example:3000/api/v1'";
        for url in ["https://h.example:3000/a/b", "ssh://git@h.example:3000/a/b"] {
            let found = asked(&format!("repositories: [{{url: '{url}', provider: forgejo, {api}}}]"));
            assert_eq!(found, [if url.starts_with("ssh") { "h.example" } else { "h.example:3000" }]);
        }
    }
}
