mod files;
mod triggers;

use std::path::Path;

use entity::kind::JobKind;

use super::*;

fn read(text: &str) -> Result<Config, ConfigErrors> {
    let set = [
        ("GITHUB_TOKEN", "secret-token"),
        ("DEPLOY_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u"),
        ("OLD_DEPLOY_SECRET", "whsec_bm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw"),
    ];
    let environment = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    parse(Path::new("kubestats.yaml"), text, environment)
}

fn errors(text: &str) -> Vec<String> {
    read(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn an_empty_configuration_is_the_defaults_with_samples() {
    let config = read("").unwrap();
    assert_eq!(config.app.listen.to_string(), "127.0.0.1:3000");
    assert!(config.shows_samples());
    assert_eq!(config.database_url().expose(), "sqlite://./data/kubestats.db?mode=rwc");
}

#[test]
fn the_template_is_valid_and_means_the_defaults() {
    assert_eq!(read(TEMPLATE).unwrap().to_yaml().unwrap(), read("").unwrap().to_yaml().unwrap());
}

#[test]
fn the_shorter_templates_mean_the_defaults_too_and_are_valid_with_all_they_show() {
    for template in [TEMPLATE_BASIC, TEMPLATE_MINIMAL] {
        assert_eq!(read(template).unwrap().to_yaml().unwrap(), read("").unwrap().to_yaml().unwrap());
        let switched_on =
            |line: &str| if line.starts_with("  # ") { line.replacen("# ", "", 1) } else { line.to_owned() };
        let all: Vec<String> = template.lines().map(switched_on).collect();
        let config = read(&all.join("\n")).unwrap();
        assert_eq!(config.repositories[0].token.as_ref().unwrap().expose(), "secret-token");
    }
}

#[test]
fn the_template_with_every_key_switched_on_is_valid() {
    let all: String = TEMPLATE
        .lines()
        .skip(4)
        .map(|line| if line.starts_with("  # ") { line.replacen("# ", "", 1) + "\n" } else { line.to_owned() + "\n" })
        .collect();
    let config = read(&all).unwrap();
    assert_eq!(config.repositories[0].token.as_ref().unwrap().expose(), "secret-token");
    assert_eq!(config.triggers[0].secret.as_ref().unwrap().expose(), "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u");
}

#[test]
fn durations_stay_within_times() {
    assert!(errors("accounts:\n  session_max: 40000d\n")[0].ends_with("found \"40000d\"; at most 36500d is allowed"));
    assert!(errors("polling:\n  max_interval: 31d\n")[0].ends_with("found \"31d\"; from 1m to 30d is allowed"));
}

#[test]
fn addresses_of_an_issuer_count_as_verified_where_that_is_said() {
    const HEAD: &str = "server: {public_url: 'https://stats.example.org'}\naccounts:\n";
    let of = |more: &str| {
        format!("{HEAD}  oidc: [{{id: company, issuer: 'https://id.example.org', client_id: kubestats{more}}}]\n")
    };
    let trusts = |more: &str| read(&of(more)).unwrap().accounts.oidc[0].trusts_email;
    assert_eq!(["", ", trusts_email: false", ", trusts_email: true"].map(trusts), [false, false, true]);
    let shown = read(&of(", trusts_email: true")).unwrap().to_yaml().unwrap();
    assert!(shown.contains("trusts_email: true"), "{shown}");
    let wrong = errors(&of(", trusts_email: maybe"));
    let told = "kubestats.yaml:3: accounts.oidc[0].trusts_email: \"maybe\" is neither true nor false";
    assert_eq!(wrong, [told]);
    // GitHub says of each address whether it is.
    let github = errors(&format!("{HEAD}  github: {{client_id: a, client_secret: b, trusts_email: true}}\n"));
    assert!(github[0].starts_with("kubestats.yaml:3: accounts.github.trusts_email: unknown key"), "{github:?}");
}

#[test]
fn looks_are_as_far_apart_as_is_allowed_for_all_repositories_and_for_one() {
    let of_all = |interval: &str| format!("polling:\n  interval: {interval}\n");
    let of_one = |interval: &str| format!("repositories:\n  - url: https://h/a/b\n    polling_interval: {interval}\n");
    for wrong in ["0s", "59s", "30d1s", "31d", "36500d"] {
        let told = format!("found \"{wrong}\"; from 1m to 30d is allowed");
        assert_eq!(errors(&of_all(wrong)), [format!("kubestats.yaml:2: polling.interval: {told}")]);
        assert_eq!(errors(&of_one(wrong)), [format!("kubestats.yaml:3: repositories[0].polling_interval: {told}")]);
        let environment = [("KUBESTATS_POLLING_INTERVAL".to_owned(), wrong.to_owned())].into();
        let found = parse(Path::new("kubestats.yaml"), "", environment).unwrap_err().to_string();
        assert_eq!(found, format!("environment: KUBESTATS_POLLING_INTERVAL: {told}"));
    }
    for right in ["1m", "30d"] {
        let interval = Some(duration::parse(right).unwrap());
        let config = read(&(of_all(right) + &of_one(right))).unwrap();
        assert_eq!((config.polling.interval, config.repositories[0].polling_interval), (interval, interval));
    }
}

#[test]
fn further_branches_to_scan_are_whole_names_a_few_and_each_once() {
    let of = |branches: &str| format!("repositories:\n  - url: https://h/a/b\n    scan_branches: {branches}\n");
    assert_eq!(read(&of("[staging, team/grün]")).unwrap().repositories[0].scan_branches, ["staging", "team/grün"]);
    assert_eq!(read(&of("[]")).unwrap().repositories[0].scan_branches, [""; 0]);
    let many: Vec<String> = (0..11).map(|number| format!("b{number}")).collect();
    let many = format!("[{}]", many.join(", "));
    let no_name =
        |name: &str| format!("{name:?} is no name of a branch; each stands here by its whole name, not by a pattern");
    for (wrong, told) in [
        ("['release/*']", no_name("release/*")),
        ("['^main$']", no_name("^main$")),
        ("['a b']", no_name("a b")),
        ("['']", no_name("")),
        ("[refs/heads/qa]", "\"refs/heads/qa\": write the branch alone, \"qa\"".to_owned()),
        ("[qa, qa]", "\"qa\" stands twice".to_owned()),
        ("staging", "should be a list of texts".to_owned()),
        (many.as_str(), "has 11 branches; at most 10 are scanned".to_owned()),
    ] {
        assert_eq!(errors(&of(wrong)), [format!("kubestats.yaml:3: repositories[0].scan_branches: {told}")]);
    }
}

#[test]
fn all_errors_are_told_at_once_with_line_key_found_and_allowed() {
    let found = errors(concat!(
        "app:\n  data_dirr: x\n  listen: nowhere\nscan:\n  history: always\npolling:\n  interval: 5s\n",
        "repositories:\n  - url: ftp://host/x\n    provider: svn\n  - name: a/b\n  - url: https://h/a\n    branch_regex: '('\n",
    ));
    for expected in [
        "kubestats.yaml:2: app.data_dirr: unknown key; did you mean \"data_dir\"?",
        "kubestats.yaml:3: app.listen: \"nowhere\" is no address with a port, such as 127.0.0.1:3000",
        "kubestats.yaml:5: scan.history: \"always\" is not known here; allowed: full, a number of commits, or an age such as 365d",
        "kubestats.yaml:7: polling.interval: found \"5s\"; from 1m to 30d is allowed",
        "kubestats.yaml:9: repositories[0].url: scheme \"ftp\" is not known here; allowed: https, http, ssh, file",
        "kubestats.yaml:10: repositories[0].provider: \"svn\" is not known here; allowed: github, gitlab, forgejo, git",
        "kubestats.yaml:11: repositories[1].url: is missing",
        "kubestats.yaml:13: repositories[2].branch_regex: \"(\": the expression can't be read: unclosed group",
    ] {
        assert!(found.iter().any(|error| error.starts_with(expected)), "{expected}\nnot in\n{}", found.join("\n"));
    }
    assert_eq!(found.len(), 8, "{}", found.join("\n"));
}

#[test]
fn unset_and_forbidden_variables_name_their_key() {
    let found = errors(
        "repositories:\n  - url: https://h/a/b\n    token: ${HOME}\n  - url: https://h/a/c\n    token: ${X_TOKEN}\n",
    );
    assert!(
        found[0].starts_with("kubestats.yaml:3: repositories[0].token: environment variable HOME may not"),
        "{found:?}"
    );
    assert_eq!(found[1], "kubestats.yaml:5: repositories[1].token: environment variable X_TOKEN is not set");
}

#[test]
fn the_environment_overrides_the_file_and_is_named_in_errors() {
    let read = |value: &str| {
        let environment = [("KUBESTATS_APP_LISTEN".to_owned(), value.to_owned())].into();
        parse(Path::new("kubestats.yaml"), "app:\n  listen: 0.0.0.0:1\n", environment)
    };
    assert_eq!(read("[::1]:8080").unwrap().app.listen.port(), 8080);
    assert!(read("x").unwrap_err().to_string().starts_with("environment: KUBESTATS_APP_LISTEN: "));
}

#[test]
fn lists_of_the_environment_have_commas_and_errors_name_entry_and_variable() {
    let read = |name: &str, value: &str| {
        let environment = [(format!("KUBESTATS_{name}"), value.to_owned())].into();
        parse(Path::new("kubestats.yaml"), "app:\n  allowed_hosts: [other.lan]\n", environment)
    };
    let hosts = read("APP_ALLOWED_HOSTS", "Stats.lan:3000, *.example.org,").unwrap().app.allowed_hosts;
    assert_eq!(hosts, ["stats.lan", "*.example.org"]);
    assert!(read("APP_ALLOWED_HOSTS", "").unwrap().app.allowed_hosts.is_empty());
    let told = read("APP_ALLOWED_HOSTS", "a.lan, http://b.lan").unwrap_err().to_string();
    assert!(
        told.starts_with("environment: KUBESTATS_APP_ALLOWED_HOSTS: \"http://b.lan\" is no name of a host"),
        "{told}"
    );
    let found = read("DISCOVERY_TOPICS", "home, k3s").unwrap().discovery;
    assert_eq!((found.topics, found.enabled), (vec!["home".to_owned(), "k3s".to_owned()], true));
}

#[test]
fn a_wrong_name_of_a_host_is_told_with_its_line() {
    let found = errors("app:\n  allowed_hosts:\n    - box.lan\n    - '*'\n");
    assert!(found[0].starts_with("kubestats.yaml:4: app.allowed_hosts: \"*\" is no name of a host"), "{found:?}");
    assert!(errors("app: {allowed_hosts: box.lan}")[0].contains("app.allowed_hosts: should be a list of texts"));
}

#[test]
fn database_url_chooses_the_engine() {
    let read = |url: &str| parse(Path::new("k.yaml"), "", [("DATABASE_URL".to_owned(), url.to_owned())].into());
    assert_eq!(read("postgres://u:p@h/d").unwrap().database_url().expose(), "postgres://u:p@h/d");
    assert_eq!(read("sqlite://x/y.db?mode=rwc").unwrap().sqlite_path(), Path::new("x/y.db"));
    assert!(read("mysql://h/d").is_err());
}

#[test]
fn secrets_are_masked_when_shown_and_when_printed() {
    let config = read("repositories:\n  - url: https://h/a/b\n    token: ${GITHUB_TOKEN}\n").unwrap();
    for shown in [config.to_yaml().unwrap(), format!("{config:?}")] {
        assert!(shown.contains(MASKED) && !shown.contains("secret-token"), "{shown}");
    }
}

#[test]
fn local_repositories_and_plain_http_need_leave() {
    assert!(errors("repositories: [{url: /srv/git/a}]")[0].contains("security.allow_local_repositories"));
    assert!(errors("repositories: [{url: 'http://h/a/b'}]")[0].contains("security.require_https"));
    assert!(errors("repositories: [{url: 'https://u:p@h/a/b'}]")[0].contains("use the key token"));
    assert!(read("security: {allow_local_repositories: true, require_https: false}\nrepositories: [{url: /srv/git/a}, {url: 'http://h/a/b'}]").is_ok());
}

#[test]
fn broken_yaml_and_repeated_repositories_are_told_with_their_line() {
    assert!(errors("app: [\n")[0].starts_with("kubestats.yaml:"));
    assert!(
        errors("repositories:\n  - url: https://h/a/b\n  - url: https://h/a/b\n")[0]
            .contains("kubestats.yaml:3: repositories[1]: ")
    );
    assert!(errors("app:\n  listen: 1.2.3.4:1\n  listen: 1.2.3.4:2\n")[0].contains("stands twice"));
}

#[test]
fn what_is_shown_can_be_read_again() {
    for text in [
        "",
        "app: {allowed_hosts: [box.lan, '*.example.org']}",
        "server: {trusted_proxies: [10.0.0.7, 'fd00::/8'], tls: {cert: /a, key: /b}, rate_limits: {enabled: true}, metrics: {listen: '127.0.0.1:9090'}}",
        "telemetry: {otlp: {endpoint: 'http://box:4318'}}",
        "server: {public_url: 'http://k.lan'}\nmail: {from: 'K <k@a.example>', smtp: {host: a.example, port: 465}}",
        "watching: {keep_events: off, retry_waits: []}\ntekton: {event_listener_url: 'http://el:8080', retry_attempts: 2}",
        "triggers: [{name: a, when: {cel: 'true', tekton: true}, target: {flux: {url: 'https://h/hook'}}, secret: x}]",
        "security: {allow_commands: true}\ntriggers: [{name: a, target: {command: [/bin/true, -x]}}]",
        "triggers: [{name: a, target: {github_dispatch: {event_type: x}}, secret: x}, {name: b, target: {gitlab_pipeline: {}}, secret: x}]",
        "storage: {sqlite: {path: /x/y.db, max_connections: 3}}\nscan: {history: 365d}\nrepositories: [{url: 'https://h/a/b'}]",
    ] {
        let shown = read(text).unwrap().to_yaml().unwrap();
        assert_eq!(read(&shown).unwrap().to_yaml().unwrap(), shown);
    }
}

#[test]
fn chart_sources_are_read_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sources.json");
    let config = format!("charts: {{sources: '{}'}}", file.display());
    assert!(errors(&config)[0].contains("charts.sources"), "a file that is not there");
    std::fs::write(&file, "{\"charts\": 1}").unwrap();
    assert!(errors(&config)[0].contains("no file of chart sources"));
    std::fs::write(&file, r#"{"charts": [{"from": "a.example/x", "to": "b.example/x"}]}"#).unwrap();
    let (ours, usual) = (read(&config).unwrap().charts.known, read("").unwrap().charts.known);
    assert_eq!((ours.group("a.example/x"), usual.group("a.example/x")), ("b.example/x".into(), "a.example/x".into()));
    // What was stored by others is taken anew.
    assert_ne!(ours.fingerprint(), usual.fingerprint());
    assert_eq!(usual.fingerprint(), read("").unwrap().charts.known.fingerprint());
}

#[test]
fn what_would_expose_the_program_is_refused_with_what_is_allowed() {
    for (text, told) in [
        ("server: {trusted_proxies: [proxy.lan]}", "server.trusted_proxies: \"proxy.lan\" is no network"),
        ("server: {trusted_proxies: [0.0.0.0/0]}", "server.trusted_proxies: \"0.0.0.0/0\" is everybody"),
        ("server: {trusted_proxies: ['::/0']}", "server.trusted_proxies: \"::/0\" is everybody"),
        ("server: {tls: {cert: /a}}", "server.tls.key: is missing; TLS needs a certificate and its key"),
        ("server: {tls: {key: /a}}", "server.tls.cert: is missing"),
        (
            "server: {rate_limits: {anonymous_per_hour: 0}}",
            "server.rate_limits.anonymous_per_hour: found \"0\"; a whole",
        ),
        ("server: {rate_limits: {enabled: sometimes}}", "server.rate_limits.enabled: \"sometimes\" is not known here"),
        ("telemetry: {otlp: {endpoint: localhost}}", "telemetry.otlp.endpoint: is no address of a collector"),
        ("telemetry: {otlp: {endpoint: 'http://u:p@box:4318'}}", "telemetry.otlp.endpoint: holds a password"),
        ("server: {metrics: {token: short}}", "server.metrics.token: has fewer than 16 characters"),
        ("server: {metrics: {listen: ':9090'}}", "server.metrics.listen: \":9090\" is no address with a port"),
    ] {
        let found = errors(text);
        assert!(found.len() == 1 && found[0].contains(told), "{text}: {found:?}");
    }
    let set = |text: &str| [("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), text.to_owned())].into();
    let read_with = |text: &str| parse(Path::new("kubestats.yaml"), "", set(text));
    let endpoint = read_with("http://collector:4318").unwrap().telemetry.otlp.endpoint.unwrap();
    assert_eq!(endpoint.as_str(), "http://collector:4318/");
    let told = read_with("collector").unwrap_err().to_string();
    assert!(told.starts_with("environment: OTEL_EXPORTER_OTLP_ENDPOINT: is no address"), "{told}");
    let config = read("server: {metrics: {token: '0123456789abcdef-hunter2'}}").unwrap();
    assert!(!config.to_yaml().unwrap().contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    let set = [("KUBESTATS_SERVER_TLS_CERT", "/a"), ("KUBESTATS_SERVER_TLS_KEY", "/b")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let tls = parse(Path::new("kubestats.yaml"), "", set).unwrap().server.tls.unwrap();
    assert_eq!((tls.cert.as_path(), tls.key.as_path()), (Path::new("/a"), Path::new("/b")));
}

#[test]
fn mail_is_read_with_what_fits_its_server_and_refused_where_it_could_not_work() {
    let url = "server: {public_url: 'https://k.example.org'}\n";
    let of =
        |smtp: &str| read(&format!("{url}mail: {{from: k@example.org, smtp: {smtp}}}")).unwrap().mail.unwrap().smtp;
    for (smtp, port, encryption) in [
        ("{host: smtp.example.org}", 587, Encryption::Starttls),
        ("{host: smtp.example.org, port: 465}", 465, Encryption::Tls),
        ("{host: smtp.example.org, encryption: tls}", 465, Encryption::Tls),
        ("{host: localhost}", 25, Encryption::None),
        ("{host: '::1', port: 2525}", 2525, Encryption::None),
        ("{host: smtp.example.org, encryption: none}", 25, Encryption::None),
    ] {
        let found = of(smtp);
        assert_eq!((found.port.get(), found.encryption), (port, encryption), "{smtp}");
    }
    // In clear to this machine is nothing to be told of; elsewhere it is.
    assert!(of("{host: 127.0.0.1}").warning().is_none() && of("{host: smtp.example.org}").warning().is_none());
    assert!(of("{host: smtp.example.org, encryption: none}").warning().unwrap().contains("in clear"));
    for (text, told) in [
        ("mail: {from: k@example.org, smtp: {host: a.example}}", "mail.smtp: needs server.public_url"),
        (&format!("{url}mail: {{smtp: {{host: a.example}}}}"), "mail.from: is missing"),
        (&format!("{url}mail: {{from: k@example.org}}"), "mail.smtp: is missing"),
        (&format!("{url}mail: {{smtp: {{port: 25}}}}"), "mail.smtp.host: is missing"),
        (&format!("{url}mail: {{from: nobody, smtp: {{host: a.example}}}}"), "mail.from: \"nobody\" is no sender"),
        (&format!("{url}mail: {{from: k@a.example, smtp: {{host: 'smtp://a'}}}}"), "is no name of a mail server"),
        (
            &format!("{url}mail: {{from: k@a.example, smtp: {{host: a, username: u}}}}"),
            "mail.smtp.password: is missing",
        ),
        (&format!("{url}mail: {{from: k@a.example, smtp: {{host: a, encryption: ssl}}}}"), "\"ssl\" is not known here"),
    ] {
        let found = errors(text);
        assert!(found.len() == 1 && found[0].contains(told), "{text}: {found:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2-of-mail\n").unwrap();
    let set = [("KUBESTATS_MAIL_SMTP_PASSWORD_FILE".to_owned(), file.display().to_string())].into();
    let text = format!("{url}mail: {{from: K <k@a.example>, smtp: {{host: a, username: u}}}}");
    let config = parse(Path::new("kubestats.yaml"), &text, set).unwrap();
    assert_eq!(config.mail.as_ref().unwrap().smtp.password.as_ref().unwrap().expose(), "hunter2-of-mail");
    assert!(!config.to_yaml().unwrap().contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    let sends =
        |config: &Config| config.schedules.0.iter().any(|found| found.kind == JobKind::SendMail && found.is_on());
    assert!(sends(&config) && !sends(&read("").unwrap()), "without a server nothing is asked for");
}
