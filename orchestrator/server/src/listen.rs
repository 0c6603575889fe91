//! The public listener: connections, each with a deadline for what it has to say first.
//!
//! Whoever opens a connection and then says nothing, or says its request a byte at a time, holds it only so long. A body
//! has its own deadline where it is read.

use crate::{App, router, routes};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// How long requests under way may go on after the server was told to stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long the head of a request may take, and how long a kept connection may rest before the next one.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// Who is at the other end of the connection that a request came by; of a proxy, the proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Serves on `listener` until `shutdown` ends; requests under way are finished, for at most ten seconds.
///
/// # Errors
/// None today: a connection that fails is its own trouble.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    accept(router(app), listener, shutdown, HEAD_MAX).await;
    Ok(())
}

/// The same for a node that serves nobody: `/livez`, `/readyz` and `/metrics` alone.
///
/// # Errors
/// None today, as [`serve`].
pub async fn serve_health(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    accept(routes::compose_health(app), listener, shutdown, HEAD_MAX).await;
    Ok(())
}

async fn accept(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
    head_max: Duration,
) {
    // Every connection holds a receiver: when the last is gone, nothing is under way any more.
    let (stop, stopped) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, from)) => {
                // Small answers at once: without it they wait for the client's acknowledgement.
                let _ = stream.set_nodelay(true);
                tokio::spawn(converse(stream, Peer(from.ip()), router.clone(), stopped.clone(), head_max));
            }
            // Too many open files, most likely: those that are open will end.
            Err(error) => {
                tracing::warn!("A connection could not be taken: {error}");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop((listener, stopped));
    let _ = stop.send(true);
    let _ = timeout(DRAIN_MAX, stop.closed()).await;
}

/// One connection until its end, or until the stop and the end of what is under way on it.
async fn converse(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    mut stopped: watch::Receiver<bool>,
    head_max: Duration,
) {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_max);
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    }));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            done = connection.as_mut() => {
                if let Err(error) = done {
                    tracing::trace!("A connection ended: {error}");
                }
                return;
            }
            told = stopped.changed() => match told {
                Ok(()) => connection.as_mut().graceful_shutdown(),
                // It had its time to come to an end.
                Err(_) => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    const SHORT: Duration = Duration::from_millis(300);

    async fn started() -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = || async {
            sleep(Duration::from_millis(400)).await;
            "slow"
        };
        let router = Router::new().route("/", get(|| async { "hello" })).route("/slow", get(slow));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        (address, stop, tokio::spawn(accept(router, listener, shutdown, SHORT)))
    }

    /// Everything that is said until the connection ends.
    async fn heard(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        let _ = timeout(Duration::from_secs(10), stream.read_to_string(&mut text)).await.unwrap();
        text
    }

    #[tokio::test]
    async fn whoever_never_ends_its_head_is_hung_up_on() {
        let (address, _stop, _served) = started().await;
        for start in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            let began = tokio::time::Instant::now();
            let said = heard(&mut stream).await;
            assert!(!said.contains("hello"), "{start:?}: {said}");
            assert!(began.elapsed() < Duration::from_secs(5), "{start:?}");
        }
    }

    #[tokio::test]
    async fn requests_are_answered_one_after_the_other_on_one_connection() {
        let (address, _stop, _served) = started().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..2 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut answer = vec![0; 4096];
            let length = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_when_the_server_stops() {
        let (address, stop, served) = started().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stop.send(()).unwrap();
        assert!(heard(&mut stream).await.ends_with("slow"));
        served.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
