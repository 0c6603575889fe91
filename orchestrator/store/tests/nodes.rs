//! Several nodes on one PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic)]

use sqlx::Connection as _;
use store::{Options, Store};

fn url() -> String {
    std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_the_work_and_never_do_it_twice() {
    // A database of its own: what is cut off is nobody else's.
    let name = format!("nodes_{}", std::process::id());
    let mut conn = sqlx::PgConnection::connect(&url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&mut conn).await.unwrap();
    let url = url().replace("/postgres", &format!("/{name}"));
    let open =
        async || Store::open(Options::server(&url).unwrap(), vault::Vault::ephemeral(1)).await.unwrap();
    // Both at once: one makes the tables, the other waits.
    let (one, two) = tokio::join!(open(), open());
    store::conformance::share(&one, &two, async || {
        let mut conn = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' \
             and datname = current_database()",
        )
        .execute(&mut conn)
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_on_a_server_are_one_for_all_nodes_and_gone_for_all() {
    let server = || db::Server::parse(&url(), &format!("keys_{}", std::process::id())).unwrap();
    let root = || vault::RootKey::from_bytes([7; 32]);
    let one = vault::Vault::on_server(server(), &root()).await.unwrap();
    let two = vault::Vault::on_server(server(), &root()).await.unwrap();
    let key = vault::KeyRef { subject: [3; 16], class: vault::KeyClass::Profile, year: 0 };
    let now = words::Timestamp::from_secs(1_790_000_000);
    let (first, second) = tokio::join!(one.subject_key(key, now), two.subject_key(key, now));
    let cell = || vault::Cell::new("t", "c", b"row");
    let sealed = one.seal(&first.unwrap(), cell(), b"hello").unwrap();
    assert_eq!(two.open_sealed(&second.unwrap(), cell(), &sealed).unwrap(), b"hello");
    assert_eq!(one.destroy(&[3; 16], now).await.unwrap(), 1);
    two.hear_of_destroyed().await.unwrap();
    assert!(two.existing_keys(&[key]).await.unwrap()[0].is_none());
    assert!(matches!(two.subject_key(key, now).await, Err(vault::VaultError::Destroyed)));
    let other = vault::Vault::on_server(server(), &vault::RootKey::from_bytes([8; 32])).await;
    assert!(matches!(other, Err(vault::VaultError::WrongRoot)));
}

/// A node that was away while a restored database was let go has a witness that knows better: it does not hold the others up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_there_when_it_was_let_go_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("away_{}", std::process::id());
    let open = async |node: &str| {
        let witness = Some(folder.path().join(node));
        let options = Options { witness, ..Options::server_in(&url(), &schema).unwrap() };
        Store::open(options, vault::Vault::ephemeral(1)).await.unwrap()
    };
    for _ in 0..3 {
        open("one").await.close().await;
        open("away").await.close().await;
    }
    // As an older copy of the database would say.
    let one = open("one").await;
    let mut conn = sqlx::PgConnection::connect(&url()).await.unwrap();
    let earlier = format!("update {schema}.setting set value = '1' where name like 'starts:%'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(earlier)).execute(&mut conn).await.unwrap();
    one.close().await;
    let one = open("one").await;
    assert!(one.held().is_some_and(|held| held.reason.contains("restored backup")));
    one.release_held("mika", "a drill", words::Timestamp::from_secs(1_790_000_000)).await.unwrap();
    let away = open("away").await;
    assert_eq!(away.held(), None);
    away.close().await;
    one.close().await;
    for node in ["one", "away"] {
        let again = open(node).await;
        assert_eq!(again.held(), None, "{node}");
        again.close().await;
    }
}

/// What a node keeps for itself (witness, queue, inbox) is one process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_is_at_work_in_a_folder_and_the_next_hears_who() {
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("folder_{}", std::process::id());
    let options =
        Options { witness: Some(folder.path().join("w")), ..Options::server_in(&url(), &schema).unwrap() };
    let open = async |options: Options| Store::open(options, vault::Vault::ephemeral(1)).await;
    let one = open(options.clone()).await.unwrap();
    match open(options.clone()).await {
        Err(store::StoreError::InUse { place, by }) => {
            assert_eq!(place, folder.path().display().to_string());
            assert!(by.starts_with(&format!("process {}", std::process::id())), "{by}");
        }
        other => panic!("{other:?}"),
    }
    // Who reads is no second one, and migrating is meant to be done beside nodes.
    open(options.clone().read_only()).await.unwrap().close().await;
    options.migrate().await.unwrap();
    one.close().await;
    open(options).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_listed_until_they_end_or_others_take_their_place() {
    use store::{Node, NodeRole, NodeSign};
    use words::{Elapsed, Timestamp};
    let folder = tempfile::tempdir().unwrap();
    let schema = format!("listed_{}", std::process::id());
    let open = async |node: &str| {
        let witness = Some(folder.path().join(node));
        let options = Options { witness, ..Options::server_in(&url(), &schema).unwrap() };
        Store::open(options, vault::Vault::ephemeral(1)).await.unwrap()
    };
    let sign = |name: &str, role| NodeSign {
        name: name.to_owned(),
        role,
        version: "1.2.3".to_owned(),
        listens: String::new(),
    };
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::fs::create_dir(folder.path().join("b")).unwrap();
    let (one, two) = (open("a/w").await, open("b/w").await);
    let at = |seconds: i64| Timestamp::from_secs(1_790_000_000 + seconds);
    let names = |nodes: &[Node]| -> Vec<(String, bool)> {
        nodes.iter().map(|node| (node.name.clone(), node.is_silent())).collect()
    };
    one.heartbeat(&sign("first", NodeRole::Serve), at(0)).await.unwrap();
    two.heartbeat(&sign("second", NodeRole::Worker), at(10)).await.unwrap();
    one.heartbeat(&sign("first", NodeRole::Serve), at(40)).await.unwrap();
    let nodes = two.nodes(at(60)).await.unwrap();
    assert_eq!(names(&nodes), [("first".to_owned(), false), ("second".to_owned(), true)]);
    assert_eq!((nodes[1].role, nodes[1].version.as_str()), (Some(NodeRole::Worker), "1.2.3"));
    // By the server's clock, which is asked anew each second.
    let near = |found: Elapsed, wanted: i64| (found.as_micros() - wanted * 1_000_000).abs() < 1_000_000;
    assert!(near(nodes[1].quiet, 50), "{:?}", nodes[1].quiet);
    assert!(near(nodes[1].started_at.since(nodes[0].started_at), 10), "{nodes:?}");
    assert_eq!(nodes[0].process, u64::from(std::process::id()));
    // Killed, and started again in its folder: one node.
    two.close().await;
    let two = open("b/w").await;
    two.heartbeat(&sign("third", NodeRole::Worker), at(61)).await.unwrap();
    assert_eq!(
        names(&one.nodes(at(62)).await.unwrap()),
        [("first".to_owned(), false), ("third".to_owned(), false)]
    );
    two.node_ends("third").await.unwrap();
    assert_eq!(names(&one.nodes(at(62)).await.unwrap()), [("first".to_owned(), false)]);
    // After a day nobody looks for it any more.
    assert!(one.nodes(at(200_000)).await.unwrap().is_empty());
}
