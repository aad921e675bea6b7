//! `kubestats import-reposentry`, on configurations as RepoSentry's users have them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use server::config::{Config, parse};

use super::program;

const MAIN: &str = "\
app:
  name: reposentry
  log_level: debug
  log_file: ./logs/reposentry.log
  log_file_rotation:
    max_size: 100
  health_check_port: 8090
  data_dir: ./data
polling:
  interval: 30s
  timeout: 30s
  max_workers: 5
  batch_size: 10
storage:
  type: sqlite
  sqlite:
    path: ./data/reposentry.db
    max_connections: 10
tekton:
  event_listener_url: http://el-reposentry-standard-eventlistener.reposentry-system.svc:8080
  timeout: 10s
  headers:
    X-Team: platform
    Authorization: Bearer listener-secret
rate_limit:
  github:
    requests_per_hour: 4000
security:
  allowed_env_vars: [GITHUB_TOKEN]
monitoring: true
repositories:
  - name: home
    url: https://github.com/ada/home
    provider: github
    token: ${GITHUB_TOKEN}
    branch_regex: ^(main|release/.*)$
    enabled: false
    polling_interval: 5m
  - name: my lab
    url: https://user:in-the-url@gitlab.com/ada/lab
    provider: gitlab
    branch_regex: .*
  - name: clear
    url: https://github.com/ada/clear
    provider: github
    token: ghp_inclear
    branch_regex: main
";

struct Imported {
    folder: tempfile::TempDir,
    well: bool,
    said: String,
}

impl Imported {
    fn text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out.yaml")).unwrap()
    }

    /// What Kubestats makes of the result, with every variable set.
    fn config(&self, variables: &[&str]) -> Config {
        let environment = variables.iter().map(|name| ((*name).to_owned(), format!("value-of-{name}"))).collect();
        parse(Path::new("out.yaml"), &self.text(), environment)
            .unwrap_or_else(|errors| panic!("{errors}\n{}", self.text()))
    }

    fn says(&self, line: &str) {
        assert!(self.said.lines().any(|said| said.starts_with(line)), "{line}\nis not in\n{}", self.said);
    }
}

fn import(files: &[(&str, &str)], more: &[&str]) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = program(&["import-reposentry", files[0].0, "--output", "out.yaml"]);
    let output = command.args(more).current_dir(folder.path()).env_remove("GITHUB_TOKEN").output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    Imported { folder, well: output.status.success(), said }
}

#[test]
fn a_configuration_becomes_ours_and_every_change_is_told_with_its_line() {
    let imported = import(&[("config.yaml", MAIN)], &["--env-file", ".env"]);
    assert!(imported.well, "{}", imported.said);
    for line in [
        "config.yaml:2: app.name: dropped: ",
        "config.yaml:4: app.log_file: dropped: ",
        "config.yaml:6: app.log_file_rotation.max_size: dropped: ",
        "config.yaml:7: app.health_check_port: changed: app.listen: 0.0.0.0:8090",
        "config.yaml:10: polling.interval: changed: 1m",
        "config.yaml:17: storage.sqlite.path: dropped: that file is RepoSentry's own",
        "config.yaml:23: tekton.headers.X-Team: changed: it is sent now",
        "config.yaml:24: tekton.headers.Authorization: changed: tekton.secret",
        "config.yaml:27: rate_limit.github.requests_per_hour: dropped: ",
        "config.yaml:30: monitoring: dropped: ",
        "config.yaml:37: repositories[0].enabled: changed: true",
        "config.yaml:38: repositories[0].polling_interval: changed: it is obeyed here",
        "config.yaml:40: repositories[1].url: changed: without the credentials",
        "config.yaml: watching.first_look_events: changed: what the first look finds is what later ones are compared with",
        "config.yaml:46: repositories[2].token: the token stands in clear; the environment has to hold it as REPOSENTRY_CLEAR_TOKEN",
    ] {
        imported.says(line);
    }
    let text = imported.text();
    for secret in ["listener-secret", "in-the-url", "ghp_inclear"] {
        assert!(!text.contains(secret) && !imported.said.contains(secret), "{secret}\n{text}\n{}", imported.said);
    }
    let names = ["GITHUB_TOKEN", "REPOSENTRY_CLEAR_TOKEN", "REPOSENTRY_MY_LAB_TOKEN", "REPOSENTRY_TEKTON_TOKEN"];
    let config = imported.config(&names);
    assert_eq!(config.app.listen.to_string(), "0.0.0.0:8090");
    assert_eq!((config.polling.interval.unwrap().as_secs(), config.polling.timeout.as_secs()), (60, 30));
    assert!(!config.watching.first_look_events);
    assert!(!imported.said.contains("polling.interval: added"), "{}", imported.said);
    assert_eq!(config.tekton.headers["X-Team"], "platform");
    assert_eq!(config.tekton.secret.as_ref().unwrap().expose(), "value-of-REPOSENTRY_TEKTON_TOKEN");
    let tokens: Vec<&str> =
        config.repositories.iter().map(|repository| repository.token.as_ref().unwrap().expose()).collect();
    assert_eq!(
        tokens,
        ["value-of-GITHUB_TOKEN", "value-of-REPOSENTRY_MY_LAB_TOKEN", "value-of-REPOSENTRY_CLEAR_TOKEN"]
    );
    assert!(config.repositories[0].enabled && config.repositories[1].url == "https://gitlab.com/ada/lab");
    let kept = imported.folder.path().join(".env");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("REPOSENTRY_CLEAR_TOKEN='ghp_inclear'\n") && kept.contains("='listener-secret'"), "{kept}");
}

#[test]
fn the_file_of_repositories_comes_in_by_its_own_rules() {
    const REPOSITORIES: &str = "\
global_settings:
  default_polling_enabled: true
repositories:
  - name: a
    url: https://github.com/ada/a
    provider: github
    token: $A_TOKEN
    branch_regex: main
    enabled: true
  - name: b
    url: https://github.com/ada/b
    provider: github
    token: ${SECRET_OF_B}
    branch_regex: main
";
    const MAIN: &str = "\
repositories_config: repositories.yaml
repositories:
  - {name: never, url: https://github.com/ada/never, provider: github, token: x, branch_regex: main}
";
    let imported = import(&[("config.yaml", MAIN), ("repositories.yaml", REPOSITORIES)], &[]);
    assert!(imported.well, "{}", imported.said);
    imported.says("config.yaml:1: repositories_config: changed: ");
    imported.says("config.yaml:3: repositories: dropped: RepoSentry reads those of repositories.yaml");
    imported.says("repositories.yaml:2: global_settings.default_polling_enabled: dropped: ");
    imported.says("repositories.yaml:7: repositories[0].token: changed: variables are written ${NAME}");
    imported.says(
        "repositories.yaml:13: repositories[1].token: changed: SECRET_OF_B is added to security.allowed_env_vars",
    );
    imported.says("repositories.yaml: repositories[1].enabled: added: false");
    imported.says("config.yaml: app.listen: added: 0.0.0.0:8080");
    imported.says("config.yaml: polling.interval: added: 5m");
    let config = imported.config(&["A_TOKEN", "SECRET_OF_B"]);
    assert_eq!(config.polling.interval.unwrap().as_secs(), 300);
    let told: Vec<(&str, bool)> =
        config.repositories.iter().map(|repository| (repository.name.as_str(), repository.enabled)).collect();
    assert_eq!(told, [("a", true), ("b", false)]);
    assert!(config.security.allowed_env_vars.contains(&"SECRET_OF_B".to_owned()));
    assert!(!imported.text().contains("never"));
}

#[test]
fn what_can_not_be_is_left_to_the_person_and_nothing_is_overwritten() {
    let wrong = "repositories:\n  - {name: a, url: http://h/a, provider: svn, token: x, branch_regex: '('}\n";
    let imported = import(&[("config.yaml", wrong)], &[]);
    assert!(!imported.well && imported.said.contains("are left for you to mend"), "{}", imported.said);
    for key in ["repositories[0].url", "repositories[0].provider", "repositories[0].branch_regex"] {
        assert!(imported.said.contains(key), "{key}: {}", imported.said);
    }
    let there = import(&[("config.yaml", "app: {}"), ("out.yaml", "mine")], &[]);
    assert!(!there.well && there.text() == "mine", "{}", there.said);
    let forced = import(&[("config.yaml", "app: {}"), ("out.yaml", "mine")], &["--force"]);
    assert!(forced.well && forced.text() != "mine");
    let shown = import(&[("config.yaml", MAIN)], &["--dry-run"]);
    assert!(shown.said.contains("event_listener_url:") && !shown.folder.path().join("out.yaml").exists());
    for (text, why) in [("a: [", "is no YAML"), ("repositories_config: gone.yaml", "gone.yaml cannot be read")] {
        let imported = import(&[("config.yaml", text)], &[]);
        assert!(!imported.well && imported.said.contains(why), "{}", imported.said);
    }
}
