use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use entity::address::{Address, Scheme};
use entity::kind::BranchEventKind;
use entity::value::ObjectId;
use entity::view::Target;
use git::{Auth, Limits, RemoteUrl, UrlPolicy};
use net::AddressGuard;
use triggers::{Client, SendEnd, Sent, TargetSecrets, Telling, build_request, send};
use url::Url;
use uuid::Uuid;

use super::ask::shown;
use super::{environment, setup};
use crate::clock;
use crate::config::{Config, Secret, load};

/// A remote that does not answer by then is away.
const WITHIN: Duration = Duration::from_secs(20);

/// What `test-webhook` takes.
#[derive(Args)]
pub struct TestWebhookArgs {
    /// Address of the EventListener [default: tekton.event_listener_url of the configuration]
    #[arg(long, value_name = "URL")]
    tekton_url: Option<Url>,
    /// Where the runs are to be looked for afterwards
    #[arg(long, value_name = "NAMESPACE", default_value = crate::bootstrap::NAMESPACE)]
    tekton_namespace: String,
    /// The repository that is told of: by its name in the configuration, as owner/name of GitHub, or by its address [default: the first remote of the one here]
    #[arg(long, value_name = "REPOSITORY")]
    repo: Option<String>,
    /// The branch that is told of
    #[arg(long, default_value = "main")]
    branch: String,
    /// The commit that is told of [default: where the branch stands at the remote]
    #[arg(long, value_name = "HASH")]
    commit: Option<ObjectId>,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Sends what a trigger would for a changed branch: by the same code, to the byte.
pub(super) fn run(file: Option<&Path>, args: &TestWebhookArgs) -> anyhow::Result<()> {
    let config = match (load(file, environment()), &args.tekton_url) {
        (Ok(config), _) => Some(config),
        // Who says where needs no configuration to be right.
        (Err(_), Some(_)) => None,
        (Err(errors), None) => return Err(errors.into()),
    };
    let (target, secrets, url) = target(args, config.as_ref())?;
    let address = repository(args, config.as_ref())?;
    let commit = match args.commit {
        Some(commit) => commit,
        None => {
            let token = config.as_ref().and_then(|config| config.git_token(&address.to_string()));
            head(&address, &args.branch, token)?
        }
    };
    let full_name = address.full_name();
    let repository_url = address.to_string();
    let now = clock::now();
    let telling = Telling {
        delivery_id: Uuid::now_v7(),
        event_id: Uuid::now_v7(),
        trigger_name: "test-webhook",
        kind: BranchEventKind::BranchUpdated,
        repository_full_name: &full_name,
        repository_url: &repository_url,
        provider: address.provider(),
        branch: &args.branch,
        old_commit: None,
        new_commit: Some(commit),
        is_forced: None,
        commit: None,
        noticed_at: now,
        sent_at: now,
        attempt: 1,
        tekton: None,
    };
    let outgoing = build_request(&target, &secrets, &telling)?;
    let mut out = std::io::stdout().lock();
    if args.dry_run {
        let request = outgoing.shown();
        writeln!(out, "{} {}", request.method, shown(&request.url))?;
        for (name, value) in &request.headers {
            writeln!(out, "{name}: {}", shown(value))?;
        }
        writeln!(out, "\n{}", request.body)?;
        return Ok(());
    }
    // The person wrote this very address.
    let networks = config.as_ref().map(|config| config.security.allowed_networks.clone()).unwrap_or_default();
    let guard = Arc::new(AddressGuard::new(networks).trusting_host_of(&url));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(async { anyhow::Ok(send(&Client::new(guard)?, &outgoing, WITHIN).await) })?;
    tell(&mut out, args, &sent)
}

fn tell(out: &mut impl std::io::Write, args: &TestWebhookArgs, sent: &Sent) -> anyhow::Result<()> {
    let status = sent.status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
    writeln!(out, "{status} after {} ms", sent.duration.as_millis())?;
    if let Some(answer) = &sent.answer {
        writeln!(out, "{}", shown(answer))?;
    }
    match &sent.end {
        SendEnd::Delivered => {
            if let Some(id) = &sent.answer_id {
                writeln!(out, "eventID {}", shown(id))?;
            }
            writeln!(out, "what it began: kubectl get pipelineruns --namespace {}", args.tekton_namespace)?;
            Ok(())
        }
        SendEnd::Failed { why, .. } | SendEnd::Refused { why } | SendEnd::Gone { why } => anyhow::bail!("{why}"),
    }
}

/// Whom to tell: with headers and secret of the configuration where it is the one there.
fn target(args: &TestWebhookArgs, config: Option<&Config>) -> anyhow::Result<(Target, TargetSecrets, Url)> {
    let tekton = config.map(|config| &config.tekton);
    let configured = tekton.and_then(|tekton| tekton.event_listener_url.as_deref());
    let configured = configured.and_then(|url| Url::parse(url).ok());
    let url = args.tekton_url.clone().or_else(|| configured.clone());
    let url = url.context("give the EventListener's address by --tekton-url, or set tekton.event_listener_url")?;
    let tekton = tekton.filter(|_| configured.as_ref() == Some(&url));
    let headers = tekton.map(|tekton| tekton.headers.clone()).unwrap_or_default();
    let current = tekton.and_then(|tekton| tekton.secret.as_ref()).map(|secret| secret.expose().to_owned());
    let target = Target::Tekton { url: url.to_string(), headers };
    Ok((target, TargetSecrets { current, previous: None }, url))
}

/// The repository that is told of: by its name in the configuration, or by an address.
fn repository(args: &TestWebhookArgs, config: Option<&Config>) -> anyhow::Result<Address> {
    let configured = |name: &String| {
        let all = config.map(|config| config.repositories.as_slice()).unwrap_or_default();
        all.iter().find(|one| one.name.eq_ignore_ascii_case(name)).and_then(|one| Address::read(&one.url).ok())
    };
    if let Some(address) = args.repo.as_ref().and_then(configured) {
        return Ok(address);
    }
    let named = match &args.repo {
        Some(named) => Some(named.clone()),
        None => setup::remotes(&std::env::current_dir()?).into_iter().next(),
    };
    let named = named.context("name the repository by --repo; the folder here is in none that has a remote")?;
    Address::read_pasted(&named).with_context(|| format!("--repo {}", entity::credential::shown_address(&named)))
}

/// Where a branch stands.
fn head(address: &Address, branch: &str, token: Option<Secret>) -> anyhow::Result<ObjectId> {
    let is_local = *address.scheme() == Scheme::File;
    let url = RemoteUrl::parse(&address.to_string(), UrlPolicy { allow_local: is_local })?;
    let auth = token.map_or(Auth::None, |token| Auth::Token(git::Secret::new(token.expose())));
    let limits = Limits { connect_timeout: WITHIN, idle_timeout: WITHIN, total_timeout: WITHIN, ..Limits::default() };
    let listed = git::list_refs(&url, &auth, &limits, &AtomicBool::new(false));
    let listed = listed.context("the branch can't be looked up; --commit says which commit to tell of")?;
    listed.branch(branch).with_context(|| format!("{} has no branch {branch}", address.key()))
}
