//! What a job was asked for by: the trace that it goes on with.

tokio::task_local! {
    static CAUSE: Option<String>;
}

/// Does something; the jobs that are asked for meanwhile, by the same task, carry this `traceparent` (W3C).
pub async fn caused_by<F: Future>(traceparent: Option<String>, work: F) -> F::Output {
    CAUSE.scope(traceparent, work).await
}

/// The `traceparent` of what is done now.
pub(super) fn cause() -> Option<String> {
    CAUSE.try_with(Clone::clone).ok().flatten()
}
