use entity::kind::{EventType, GitOpsTool, JobState, Origin, ProblemClass, ResourceStatus, SyncStatus};
use leptos::prelude::*;

use super::{Glyph, Icon, number_text};

/// The state of a sync or scan, as icon and word.
#[component]
pub fn StatusBadge(
    /// The state.
    status: SyncStatus,
    /// What the state is of, where two stand together: `Sync`.
    #[prop(optional, into)]
    of: Option<String>,
) -> impl IntoView {
    let (tone, glyph, word) = match status {
        SyncStatus::Pending => ("idle", Glyph::Clock, "Waiting"),
        SyncStatus::Syncing => ("busy", Glyph::Busy, "Running"),
        SyncStatus::Success => ("good", Glyph::Check, "Up to date"),
        SyncStatus::Error => ("bad", Glyph::Failed, "Failed"),
        SyncStatus::Blocked => ("warn", Glyph::Blocked, "Blocked"),
        SyncStatus::PendingApproval => ("warn", Glyph::Clock, "To approve"),
    };
    state(tone, glyph, word.to_owned(), of, None)
}

/// The state of a job, as icon and word.
#[component]
pub fn JobStateBadge(
    /// The state.
    state: JobState,
) -> impl IntoView {
    let (tone, glyph, word) = match state {
        JobState::Queued => ("idle", Glyph::Clock, "Queued"),
        JobState::Running => ("busy", Glyph::Busy, "Running"),
        JobState::Succeeded => ("good", Glyph::Check, "Done"),
        JobState::Failed => ("bad", Glyph::Failed, "Failed"),
        JobState::Cancelled => ("idle", Glyph::Blocked, "Cancelled"),
    };
    status(tone, glyph, word)
}

/// Whether a resource stands at the head of the branch.
#[component]
pub fn ResourceStatusBadge(
    /// The state.
    status: ResourceStatus,
) -> impl IntoView {
    match status {
        ResourceStatus::Active => self::status("good", Glyph::Check, "Active"),
        ResourceStatus::Deleted => self::status("gone", Glyph::Minus, "Deleted"),
    }
}

/// A state as icon and word.
#[must_use]
pub fn status(tone: &'static str, glyph: Glyph, word: impl Into<String>) -> AnyView {
    state(tone, glyph, word.into(), None, None)
}

/// The same with what there is to know of it, if anything.
#[must_use]
pub fn status_about(tone: &'static str, glyph: Glyph, word: impl Into<String>, title: Option<String>) -> AnyView {
    state(tone, glyph, word.into(), None, title)
}

fn state(tone: &'static str, glyph: Glyph, word: String, of: Option<String>, title: Option<String>) -> AnyView {
    view! {
        <span class="status" data-tone=tone title=title>
            <Icon glyph />
            {of.map(|of| view! { <span class="status-of">{of}": "</span> })}
            {word}
        </span>
    }
    .into_any()
}

/// The sign, the word and the CSS word of what happened to a resource.
#[must_use]
pub const fn event_words(event_type: EventType) -> (&'static str, &'static str, &'static str) {
    match event_type {
        EventType::Created => ("+", "created", "created"),
        EventType::Modified => ("~", "modified", "modified"),
        EventType::Deleted => ("−", "deleted", "deleted"),
        EventType::Resurrected => ("↺", "returned", "returned"),
    }
}

/// What happened to a resource: sign and word; the word is hidden from sight where rows are dense.
#[component]
pub fn EventTypeBadge(
    /// What happened.
    event_type: EventType,
    /// How often, where several are folded together.
    #[prop(optional_no_strip, into)]
    count: Option<i64>,
    /// Only the sign is seen; the word is in the title and read aloud.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let (sign, word, tone) = event_words(event_type);
    let title = compact.then_some(word);
    view! {
        <span class="event-type" class:compact=compact data-tone=tone title=title>
            <span class="sign" aria-hidden="true">{sign}</span>
            {count.map(|count| view! { <span class="num">{number_text(count)}" "</span> })}
            <span class:sr-only=compact>{word}</span>
        </span>
    }
}

/// A resource's kind.
#[component]
pub fn KindBadge(
    /// `HelmRelease`.
    #[prop(into)]
    kind: String,
) -> impl IntoView {
    let family = family(&kind);
    view! { <span class="kind" data-family=family>{kind}</span> }
}

/// Kinds that belong together share a mark, so that a list can be skimmed.
fn family(kind: &str) -> &'static str {
    match kind {
        "HelmRelease" | "HelmChart" | "HelmRepository" | "Application" | "ApplicationSet" | "AppProject" => "release",
        "GitRepository" | "OCIRepository" | "Bucket" | "Kustomization" => "source",
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" | "Pod" | "ReplicaSet" => "workload",
        "ConfigMap" | "Secret" | "ExternalSecret" | "SealedSecret" | "ClusterSecretStore" => "config",
        "Service" | "Ingress" | "HTTPRoute" | "Gateway" | "NetworkPolicy" => "network",
        _ => "other",
    }
}

/// What applies a repository to a cluster.
#[component]
pub fn GitOpsBadge(
    /// The tool.
    tool: GitOpsTool,
) -> impl IntoView {
    let word = gitops_word(tool);
    view! { <span class="tool" data-tool=tool.as_str()>{word}</span> }
}

/// What people call the tool.
#[must_use]
pub const fn gitops_word(tool: GitOpsTool) -> &'static str {
    match tool {
        GitOpsTool::Flux => "Flux",
        GitOpsTool::ArgoCd => "Argo CD",
        GitOpsTool::Both => "Flux + Argo CD",
        GitOpsTool::Plain => "Manifests only",
        GitOpsTool::None => "Not known yet",
    }
}

/// How a repository came to be here.
#[component]
pub fn OriginBadge(
    /// How.
    origin: Origin,
) -> impl IntoView {
    let (word, title) = match origin {
        Origin::Config => ("configured", "Named in the configuration file"),
        Origin::Sample => ("sample", "One of the samples that Kubestats brings"),
        Origin::Added => ("added", "Added by a person"),
        Origin::Discovered => ("discovered", "Found by a search"),
    };
    view! { <span class="tag" data-origin=origin.as_str() title=title>{word}</span> }
}

/// Why a file could not be read as it should.
#[component]
pub fn ProblemBadge(
    /// The class.
    class: ProblemClass,
) -> impl IntoView {
    let (word, title) = match class {
        ProblemClass::Template => ("template", "A template that is no YAML before it is filled in"),
        ProblemClass::HelmTemplate => ("Helm template", "A template of a chart: only Helm knows what it becomes"),
        ProblemClass::Syntax => ("syntax", "Not YAML"),
        ProblemClass::Tab => ("tab", "Indented with a tab"),
        ProblemClass::Anchor => ("anchor", "An alias whose anchor is not there"),
        ProblemClass::Encoding => ("encoding", "Not UTF-8"),
        ProblemClass::Depth => ("depth", "Nested deeper than the limit"),
        ProblemClass::Size => ("size", "Larger than the limit"),
        ProblemClass::DuplicateKey => ("duplicate key", "A key stands twice; the last one counts"),
        ProblemClass::Elsewhere => ("elsewhere", "A pointer to its content, or encrypted as a whole"),
        ProblemClass::Object => ("object", "The object is missing or damaged in the clone"),
        ProblemClass::Path => ("path", "The path cannot be kept as it is"),
        ProblemClass::Name => ("name", "Longer than Kubernetes allows"),
    };
    // Red is for what needs somebody; a chart's templates are as they should be.
    let alarms = class.hides_file() && class != ProblemClass::HelmTemplate;
    view! { <span class="tag" data-problem=alarms.then_some("file") title=title>{word}</span> }
}
