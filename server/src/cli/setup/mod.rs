//! `kubestats setup`: looks at what is here, asks little, and writes a configuration. Tokens stay in the environment.

mod detect;
mod questions;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_yaml::{Mapping, Value};

use super::{environment, private_file};
use crate::config::{DEFAULT_FILE, Environment, parse};

pub(super) use detect::remotes;
use questions::{Answers, Chosen, Talk};

/// Where tokens are kept for who wishes that.
const ENV_FILE: &str = ".env";

/// What `setup` takes.
#[derive(Args)]
pub struct SetupArgs {
    /// By questions, which is the only way
    #[arg(value_enum, default_value_t = Way::Interactive)]
    way: Way,
    /// Where the configuration is written
    #[arg(long, short, default_value = DEFAULT_FILE, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Asks at the terminal
    Interactive,
}

pub(super) fn run(args: &SetupArgs) -> anyhow::Result<()> {
    let Way::Interactive = args.way;
    let (input, output) = (std::io::stdin(), std::io::stdout());
    anyhow::ensure!(
        input.is_terminal() && output.is_terminal(),
        "setup asks questions, and there is no terminal to ask them at: `kubestats config init` writes a configuration to edit"
    );
    // Better before the questions than after them.
    anyhow::ensure!(
        args.force || !args.output.exists(),
        "{} is there already (--force overwrites it)",
        args.output.display()
    );
    let mut talk = Talk::new(input.lock(), output);
    let environment = environment();
    let here = std::env::current_dir()?;
    let answers = questions::ask(&mut talk, &remotes(&here), &environment)?;
    write(&mut std::io::stdout(), args, &answers, &environment)
}

fn write(
    out: &mut impl std::io::Write,
    args: &SetupArgs,
    answers: &Answers,
    environment: &Environment,
) -> anyhow::Result<()> {
    let text = configuration(answers)?;
    // What was asked for is what was checked.
    parse(&args.output, &text, with_tokens(answers, environment.clone()))?;
    private_file::write(&args.output, &text, args.force)?;
    writeln!(out, "wrote {}", args.output.display())?;
    let names: Vec<&str> = answers.token_names();
    let missing: Vec<&str> = names.iter().copied().filter(|name| !environment.contains_key(*name)).collect();
    if answers.keeps_tokens {
        let path = args.output.parent().unwrap_or(Path::new("")).join(ENV_FILE);
        let entries = names.iter().map(|name| (*name, environment.get(*name).map_or("", String::as_str)));
        private_file::write_private(&path, &private_file::env_file(entries), args.force)?;
        writeln!(
            out,
            "wrote {} for you alone to read: keep it out of Git; systemd reads it as EnvironmentFile, a shell by `set -a; . {}`",
            path.display(),
            path.display()
        )?;
    }
    if !missing.is_empty() {
        writeln!(out, "set in the environment before the start: {}", missing.join(", "))?;
    }
    writeln!(out, "next: kubestats config validate --check-connections, then kubestats run")?;
    Ok(())
}

/// As if every token were there: whether it is, is for the start to see.
fn with_tokens(answers: &Answers, mut environment: Environment) -> Environment {
    for name in answers.token_names() {
        environment.entry(name.to_owned()).or_insert_with(|| "set-later".to_owned());
    }
    environment
}

/// The file that the answers make, with `${NAME}` where a token is.
fn configuration(answers: &Answers) -> anyhow::Result<String> {
    let text = |text: &str| Value::from(text);
    let section = |entries: Vec<(&str, Value)>| {
        let entries = entries.into_iter().map(|(key, value)| (Value::from(key), value));
        Value::Mapping(entries.collect::<Mapping>())
    };
    let mut sections = vec![("app", section(vec![("listen", text(&answers.listen))]))];
    let others: Vec<&str> = answers
        .token_names()
        .into_iter()
        .filter(|name| !name.ends_with("_TOKEN") && !name.ends_with("_SECRET"))
        .collect();
    if !others.is_empty() {
        let names = others.into_iter().chain(["*_TOKEN", "*_SECRET"]).map(Value::from).collect();
        sections.push(("security", section(vec![("allowed_env_vars", Value::Sequence(names))])));
    }
    if let Some(url) = &answers.event_listener {
        sections.push(("tekton", section(vec![("event_listener_url", text(url))])));
    }
    let repository = |chosen: &Chosen| {
        let mut entry = vec![("url", text(&chosen.url))];
        if let Some(name) = &chosen.token_name {
            entry.push(("token", Value::from(format!("${{{name}}}"))));
        }
        if let Some(pattern) = &answers.branch_regex {
            entry.push(("branch_regex", text(pattern)));
        }
        section(entry)
    };
    let repositories = answers.repositories.iter().map(repository).collect();
    sections.push(("repositories", Value::Sequence(repositories)));
    let written = serde_yaml::to_string(&section(sections))?;
    Ok(format!(
        "# Written by `kubestats setup`; `kubestats config init --template advanced` shows every key.\n{written}"
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn environment() -> Environment {
        [("GITHUB_TOKEN".to_owned(), "ghp_it's".to_owned())].into()
    }

    /// The answers, given to what is asked; what was said.
    fn talked(input: &str, remotes: &[&str]) -> (anyhow::Result<Answers>, String) {
        let mut said = Vec::new();
        let remotes: Vec<String> = remotes.iter().map(|remote| (*remote).to_owned()).collect();
        let answers = questions::ask(&mut Talk::new(input.as_bytes(), &mut said), &remotes, &environment());
        (answers, String::from_utf8(said).unwrap())
    }

    #[test]
    fn what_is_here_needs_no_more_than_the_enter_key() {
        let (answers, said) = talked("\n\n\n\n\n\n\n", &["https://github.com/ada/home"]);
        let text = configuration(&answers.unwrap()).unwrap();
        assert!(said.contains("https://github.com/ada/home") && said.contains("GITHUB_TOKEN"), "{said}");
        assert!(text.contains("token: ${GITHUB_TOKEN}") && text.contains("url: https://github.com/ada/home"), "{text}");
        assert!(!text.contains("ghp_") && !said.contains("ghp_"), "{text}{said}");
        let config = parse(Path::new("x"), &text, environment()).unwrap();
        assert_eq!((config.repositories.len(), config.app.listen.to_string()), (1, "127.0.0.1:3000".to_owned()));
    }

    #[test]
    fn answers_that_can_not_be_are_asked_for_again() {
        let input = "n\nhttps://user:secret@gitlab.com/a/b\ngitlab.com/group/lab\n\nMY-TOKEN\nMY_KEY\n(\n^main$\nnowhere\n0.0.0.0:8080\n\n";
        let (answers, said) = talked(input, &["https://github.com/ada/home"]);
        let answers = answers.unwrap();
        let text = configuration(&answers).unwrap();
        assert!(
            !text.contains("secret") && text.contains("token: ${MY_KEY}") && text.contains("- MY_KEY"),
            "{text}{said}"
        );
        let config = parse(Path::new("x"), &text, with_tokens(&answers, environment())).unwrap();
        let repository = &config.repositories[0];
        assert_eq!((repository.name.as_str(), repository.branch_regex.as_deref()), ("group/lab", Some("^main$")));
        assert_eq!(config.app.listen.port(), 8080);
        assert!(!answers.keeps_tokens, "a token that is not here can't be kept");
    }

    #[test]
    fn who_goes_away_in_the_middle_leaves_nothing_behind() {
        let (answers, _) = talked("y\n", &["https://github.com/ada/home"]);
        assert!(answers.err().unwrap().to_string().contains("nothing was written"));
    }

    #[test]
    fn tokens_are_kept_where_that_is_wished_and_for_their_owner_alone() {
        let (answers, _) = talked("\n\n\n\n\n\ny\n", &["https://github.com/ada/home"]);
        let answers = answers.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let args = SetupArgs { way: Way::Interactive, output: folder.path().join("kubestats.yaml"), force: false };
        let mut said = Vec::new();
        write(&mut said, &args, &answers, &environment()).unwrap();
        let kept = folder.path().join(ENV_FILE);
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "GITHUB_TOKEN='ghp_it'\\''s'\n");
        assert!(!std::fs::read_to_string(&args.output).unwrap().contains("ghp_"));
        assert!(write(&mut said, &args, &answers, &environment()).is_err(), "nothing is overwritten unasked");
        assert!(!String::from_utf8(said).unwrap().contains("ghp_"));
    }
}
