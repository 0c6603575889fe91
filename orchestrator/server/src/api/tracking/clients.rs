//! The official clients of Segment, unmodified, over a real socket.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::testing::{customer, events, with_key};
use std::process::Command;
use words::{Channel, Currency, Money, Value};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the clients: see tests/clients/README.md"]
async fn official_clients_for_node_and_python_deliver_a_sign_up_and_an_order() {
    let Ok(dir) = std::env::var("TABI_CLIENTS") else { panic!("TABI_CLIENTS is not set") };
    let (app, key) = with_key().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(crate::serve(app.clone(), listener, async {
        let _ = stopped.await;
    }));
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients");
    let (node, python) = (format!("{here}/node.cjs"), format!("{here}/python.py"));
    let scripts = [
        ("node".to_owned(), vec![node, url.clone(), key.clone(), dir.clone()]),
        (format!("{dir}/py/bin/python"), vec![python, url, key]),
    ];
    for (program, arguments) in scripts {
        let status =
            tokio::task::spawn_blocking(move || Command::new(program).args(arguments).status().unwrap())
                .await;
        assert!(status.unwrap().success());
    }
    for user in ["node-new", "node-old", "python", "python-gzip"] {
        let customer = customer(&app, user).await.unwrap_or_else(|| panic!("{user} did not arrive"));
        let email = customer.reachable(&Channel::EMAIL).next().unwrap();
        assert_eq!(email.value, format!("{user}@example.com"));
        assert!(customer.zone.is_some() && customer.locale.is_some(), "{user}");
        let events = events(&app, user).await;
        assert_eq!(events.len(), 1, "{user}");
        assert_eq!(events[0].name, "order_placed");
        assert_eq!(events[0].properties["total"], Value::Money(Money::new(2798, Currency::USD)));
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
