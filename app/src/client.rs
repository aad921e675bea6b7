//! How the browser's half asks the server: its patience has an end, and it notices when the server is of another build.

use futures::{Sink, Stream};
use leptos::server_fn::Bytes;
use leptos::server_fn::client::Client;
use leptos::server_fn::client::browser::BrowserClient;
use leptos::server_fn::error::FromServerFnError;
use leptos::server_fn::request::browser::BrowserRequest;
use leptos::server_fn::response::browser::BrowserResponse;

/// The client of all server functions.
#[derive(Debug)]
pub struct PageClient;

impl<E, I, O> Client<E, I, O> for PageClient
where
    E: FromServerFnError,
    I: FromServerFnError,
    O: FromServerFnError,
{
    type Request = BrowserRequest;
    type Response = BrowserResponse;

    async fn send(request: BrowserRequest) -> Result<BrowserResponse, E> {
        let sent = <BrowserClient as Client<E, I, O>>::send(request);
        #[cfg(feature = "hydrate")]
        return patience::answer(sent).await;
        #[cfg(not(feature = "hydrate"))]
        sent.await
    }

    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static),
            E,
        >,
    > + Send {
        <BrowserClient as Client<E, I, O>>::open_websocket(path)
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<E, I, O>>::spawn(future);
    }
}

#[cfg(feature = "hydrate")]
mod patience {
    use std::pin::pin;
    use std::time::Duration;

    use futures::channel::oneshot;
    use futures::future::{Either, select};
    use leptos::prelude::set_timeout_with_handle;
    use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
    use leptos::server_fn::response::browser::BrowserResponse;

    use crate::reload;

    /// The server itself gives up after 30 seconds and says so; this is for an answer that got lost.
    const LIMIT: Duration = Duration::from_secs(40);

    /// Waits for an answer, within limits. What is dropped is given up by the browser too.
    pub(super) async fn answer<E: FromServerFnError>(
        sent: impl Future<Output = Result<BrowserResponse, E>>,
    ) -> Result<BrowserResponse, E> {
        let (enough, late) = oneshot::channel::<()>();
        let timer = set_timeout_with_handle(move || enough.send(()).unwrap_or_default(), LIMIT);
        let response = match select(pin!(sent), late).await {
            Either::Left((response, _)) => response?,
            Either::Right(_) => {
                let text = format!("it did not answer within {} seconds", LIMIT.as_secs());
                return Err(E::from_server_fn_error(ServerFnErrorErr::Request(text)));
            }
        };
        if let Ok(timer) = timer {
            timer.clear();
        }
        if let Some(build) = response.generate_headers().get(reload::BUILD).and_then(|build| build.to_str().ok()) {
            reload::note_build(build);
        }
        Ok(response)
    }
}
