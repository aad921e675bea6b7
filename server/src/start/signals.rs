use std::sync::Arc;

use entity::kind::ReloadCause;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::reload::Reloader;

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

/// Reads the configuration again at SIGHUP, until the program stops.
pub(super) async fn reload_on_signal(reloader: Arc<Reloader>, stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                got = hangup.recv() => match got {
                    Some(()) => drop(reloader.run(ReloadCause::Signal, None).await),
                    None => return,
                },
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (reloader, stop);
    }
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
