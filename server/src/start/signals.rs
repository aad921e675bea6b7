use tokio_util::sync::CancellationToken;
use tracing::info;

/// Ends on Ctrl-C or SIGTERM; a second signal ends the process at once.
pub(super) async fn stop_on_signal(stop: CancellationToken) {
    signal().await;
    info!("stopping; once more to stop at once");
    stop.cancel();
    tokio::spawn(async {
        signal().await;
        std::process::exit(130);
    });
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
