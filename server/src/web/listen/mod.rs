//! Connections: accepted, bounded in number and in how long they may wait, and ended in order.
//!
//! Nobody can hold what others need by being slow: heads, bodies and answers that do not go on are given up
//! ([`progress`]), and where all seats are taken those go first that wait for nothing but their next request ([`room`]). Nor is
//! an answer begun before there is something to answer ([`ahead`]).

mod ahead;
mod files;
mod gather;
mod progress;
mod room;
mod tls;
mod wire;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use ahead::{Ahead, Late, Waiting};
pub use files::raise_open_files;
use progress::Progress;
use room::{Entry, Room, Seat};

use crate::seldom::Seldom;

use super::client_address::{Connection, TrustedProxies};

pub use progress::Patience;
pub use room::Bounds;
pub use tls::{Tls, TlsError};

/// How long open requests may go on once the program is asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// A head is no larger; nor is what waits to be written before an answer is asked for more.
const MAX_BUFFER: usize = 64 << 10;
/// How long nothing is accepted after the system could not accept.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Reserved seats are for a question and its answer.
const ON_RESERVED_SEATS: Patience =
    Patience { head: Duration::from_secs(2), idle: Duration::from_secs(2), stall: Duration::from_secs(2) };

/// How many may be connected, how long they may let us wait, and how they are encrypted.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many.
    pub bounds: Bounds,
    /// How long.
    pub patience: Patience,
    /// Who is not bounded by address.
    pub proxies: TrustedProxies,
    /// Plain HTTP where there is none.
    pub tls: Option<Arc<Tls>>,
}

/// What is answered on seats like any other, and what on reserved ones.
pub(super) struct Answers {
    pub(super) all: Router,
    pub(super) reserved: Router,
    /// Where bodies wait until they are whole.
    pub(super) ahead: Ahead,
}

/// Serves until `shutdown` is cancelled, then lets open requests finish.
pub(super) async fn serve(
    listener: TcpListener,
    answers: Answers,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let Limits { bounds, patience, proxies, tls } = limits;
    let room = Room::new(Bounds { in_all: files::affordable(bounds.in_all), ..bounds }, proxies);
    if let Some(tls) = &tls {
        tokio::spawn(Arc::clone(tls).follow(shutdown.clone()));
    }
    let (connections, full, failed) = (TaskTracker::new(), Seldom::default(), Seldom::default());
    let sockets = Arc::new(Semaphore::new(room.sockets()));
    loop {
        let accepted = tokio::select! {
            // Who is sent away keeps a file open until it is gone: the next waits for that, not only for its seat.
            accepted = accept(&listener, &sockets) => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer, socket) = match accepted {
            Ok(accepted) => accepted,
            // Who hangs up before it is let in is no fault of ours.
            Err(error) if is_of_the_peer(&error) => continue,
            Err(error) => {
                if let Some(times) = failed.say(Instant::now()) {
                    tracing::error!(%error, times, "no connection can be accepted; waiting ones are closed to make way");
                }
                room.make_way();
                tokio::select! {
                    () = tokio::time::sleep(ACCEPT_AGAIN) => continue,
                    () = shutdown.cancelled() => break,
                }
            }
        };
        let progress = Arc::new(Progress::new(Instant::now()));
        let (entry, no_free_seat) = room.enter(peer, &progress);
        if no_free_seat && let Some(times) = full.say(Instant::now()) {
            tracing::warn!(
                %peer, times, "all connections that server.max_connections or server.max_connections_per_address allow \
                are taken; for each new one the one that waits longest is closed"
            );
        }
        let (seat, router, patience, kept) = match entry {
            Entry::Seat(seat) => (seat, answers.all.clone(), patience, true),
            Entry::Reserved(seat) => (seat, answers.reserved.clone(), ON_RESERVED_SEATS, false),
            Entry::Full => continue,
        };
        // Small answers are not to wait for their receipt.
        let _ = stream.set_nodelay(true);
        let ahead = kept.then(|| answers.ahead.clone());
        let guest = Guest { peer, router, ahead, progress, seat, patience, kept, shutdown: shutdown.clone() };
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                Some(tls) => guest.attend_encrypted(stream, &tls).await,
                None => guest.attend(stream, false).await,
            }
            drop(socket);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN_WITHIN, connections.wait()).await.is_err() {
        tracing::warn!("open requests did not finish in time and are cut off");
    }
    Ok(())
}

/// The next connection, once fewer than the most sockets are open.
async fn accept(
    listener: &TcpListener,
    sockets: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let socket = Arc::clone(sockets).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, socket))
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection from its first byte to its last.
struct Guest {
    peer: SocketAddr,
    router: Router,
    /// Reserved seats wait for no bodies: what is answered there reads none.
    ahead: Option<Ahead>,
    progress: Arc<Progress>,
    seat: Seat,
    patience: Patience,
    kept: bool,
    shutdown: CancellationToken,
}

impl Guest {
    /// First the handshake: it has as long as a head, and its seat is lost to others as that of a head is.
    async fn attend_encrypted(self, stream: TcpStream, tls: &Tls) {
        let encrypted = tokio::select! {
            encrypted = tokio::time::timeout(self.patience.head, tls.acceptor().accept(stream)) => encrypted,
            () = self.shutdown.cancelled() => return,
            () = self.seat.sent_away() => return,
        };
        match encrypted {
            Ok(Ok(stream)) => {
                self.progress.greeted(Instant::now());
                self.attend(stream, true).await;
            }
            Ok(Err(error)) => tracing::trace!(%error, "a connection was not encrypted"),
            Err(_) => tracing::trace!("a handshake took too long"),
        }
    }

    async fn attend<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, is_tls: bool) {
        let Self { peer, router, ahead, progress, seat, patience, kept, shutdown } = self;
        let wire = wire::Wire::new(stream, Arc::clone(&progress));
        let answer = service_fn(|mut request: Request<Incoming>| {
            let exchange = wire::Exchange::begin(&progress);
            request.extensions_mut().insert(Connection { peer, is_tls });
            let request = request.map(|body| exchange.request(body));
            let (router, ahead) = (router.clone(), ahead.clone());
            async move {
                let request = match ahead {
                    None => request,
                    Some(ahead) => ahead.whole(request).await,
                };
                Ok::<_, Infallible>(router.oneshot(request).await?.map(|body| exchange.answer(body)))
            }
        });
        let mut builder = http1::Builder::new();
        // Its own time for heads cannot tell a head that drips from a connection that rests.
        builder.header_read_timeout(None).max_buf_size(MAX_BUFFER).keep_alive(kept);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(wire), answer));
        let mut is_stopping = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::trace!(%error, "a connection broke off");
                    }
                    return;
                }
                () = shutdown.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = progress.overdue(&patience) => return,
                () = seat.sent_away() => return,
            }
        }
    }
}
