use std::collections::BTreeMap;

use actions::forges::open_token;
use chrono::TimeDelta;
use entity::kind::Provider;
use forge::{ForgeError, Holder, Probe, Window};
use futures::future::join_all;

use super::WITHIN;
use super::database::EnteredToken;
use super::report::Report;
use crate::config::{Config, ForgeConfig, Secret};
use crate::forges::{Forges, known, with_entered};
use crate::{clock, start};

const PART: &str = "forges";
/// A clock that differs by more makes waits and schedules odd; an answer is a second or two old.
const CLOCK_WARN: TimeDelta = TimeDelta::seconds(30);
/// By more, TLS and tokens begin to fail.
const CLOCK_FAIL: TimeDelta = TimeDelta::minutes(5);

/// A forge that is to be asked, and whether by a token that somebody entered in a page.
struct Asked {
    forge: ForgeConfig,
    is_entered: bool,
}

/// Asks the forges that the configuration or a token that somebody entered is for, each as jobs do.
pub(super) async fn look(report: &mut Report, config: &Config, entered: Vec<EnteredToken>, offline: bool) {
    let tokens = open(report, config, entered);
    if offline {
        report.ok(PART, "not asked (--offline)");
        return report.ok("clock", "not compared (--offline)");
    }
    let forges = to_ask(config, tokens);
    if forges.is_empty() {
        report.ok(PART, "none is configured, and none is asked");
        return report.ok("clock", "not compared: no forge is asked");
    }
    let asked = forges.iter().map(|Asked { forge, is_entered }| async move {
        let ask = async {
            match is_entered {
                true => Forges::probe_token(config, forge, WITHIN).await.map(|(holder, probe)| (Some(holder), probe)),
                false => Forges::probe(config, forge, WITHIN).await.map(|probe| (None, probe)),
            }
        };
        (forge.host(), tokio::time::timeout(WITHIN * 2, ask).await.ok())
    });
    let mut skew: Option<TimeDelta> = None;
    for (host, answer) in join_all(asked).await {
        match answer {
            Some(Ok((holder, probe))) => {
                let differs = probe.time.map(|time| clock::now() - time);
                let wider = |differs: &TimeDelta| skew.is_none_or(|skew| differs.abs() > skew.abs());
                skew = differs.filter(wider).or(skew);
                tell(report, &host, holder.as_ref(), &probe);
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

/// The tokens that people entered and that are used, opened, by host. What can't be opened is as good as not entered.
fn open(report: &mut Report, config: &Config, entered: Vec<EnteredToken>) -> BTreeMap<String, (Provider, Secret)> {
    const ENTER_ANEW: &str = "give back the key that it was entered under (KUBESTATS_SECRET_KEY, or secret.key in \
                              app.data_dir), or enter the token anew at /admin/forges";
    let mut found = BTreeMap::new();
    let used: Vec<EnteredToken> = entered.into_iter().filter(|token| is_needed(report, config, token)).collect();
    if used.is_empty() {
        return found;
    }
    let keys = match start::find_keys(config) {
        Ok(Some(keys)) => keys,
        without => {
            let hosts: Vec<&str> = used.iter().map(|token| token.host.as_str()).collect();
            let why = without.err().map_or_else(|| "there is no key here".to_owned(), |error| error.to_string());
            let message = format!("the tokens that were entered for {} can't be opened: {why}", hosts.join(", "));
            report.fail(PART, message, ENTER_ANEW);
            return found;
        }
    };
    for EnteredToken { host, provider, sealed } in used {
        match open_token(&keys, &sealed) {
            Ok(token) => {
                found.insert(host, (provider, Secret::new(token.to_string())));
            }
            Err(why) => {
                let message = format!("{host}: the token that was entered can't be opened: {why}");
                report.fail(PART, message, ENTER_ANEW);
            }
        }
    }
    found
}

/// Whether anything asks with a token that was entered; why not is told.
fn is_needed(report: &mut Report, config: &Config, token: &EnteredToken) -> bool {
    let host = &token.host;
    let ForgeConfig { token, token_key, provider, .. } = known(&config.forges, host, token.provider);
    if token.is_some() {
        report.ok(PART, format!("{host}: the token that was entered is not used, as {token_key} is set"));
        return false;
    }
    if provider == Provider::Git {
        let message = format!("{host}: the token that was entered is for no forge that is known here");
        report.warn(PART, message, "name the forge in discovery.forges, or remove the token at /admin/forges");
        return false;
    }
    true
}

/// Every forge that anything asks, with the token that it is asked with.
fn to_ask(config: &Config, tokens: BTreeMap<String, (Provider, Secret)>) -> Vec<Asked> {
    let others = config.forges.iter().filter(|forge| !tokens.contains_key(&forge.host()) && is_used(config, forge));
    let mut forges: Vec<Asked> = others.map(|forge| Asked { forge: forge.clone(), is_entered: false }).collect();
    forges.extend(tokens.into_iter().map(|(host, (provider, token))| {
        let forge = with_entered(known(&config.forges, &host, provider), token);
        Asked { forge, is_entered: true }
    }));
    forges
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

/// `holder` is told of a token that somebody entered: the configuration's says itself whose it is.
fn tell(report: &mut Report, host: &str, holder: Option<&Holder>, probe: &Probe) {
    let takes = holder.map(|holder| match &holder.login {
        Some(login) => format!(" and takes the token that was entered, which is {login}'s"),
        None => " and takes the token that was entered".to_owned(),
    });
    let takes = takes.unwrap_or_default();
    if probe.limits.is_empty() {
        return report.ok(PART, format!("{host} answers{takes} and tells no limit"));
    }
    let budgets: Vec<String> = probe.limits.iter().map(|(name, window)| budget(name, window)).collect();
    let message = format!("{host} answers{takes}; left of its limits: {}", budgets.join(", "));
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
