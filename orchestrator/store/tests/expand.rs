//! The next schema beside this release: a migration that only adds is survived by what runs, and by what starts afterwards,
//! unless it says that it is not.
#![allow(clippy::unwrap_used, clippy::panic)]

use store::conformance::{exercise, goes_on, live};
use store::{Migrated, Options, Store, StoreError};
use vault::Vault;

fn url() -> String {
    std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    )
}

/// What changes tables behind the back of those who have them open, as a newer release does.
struct Newer {
    conn: db::Conn,
    tables: Vec<String>,
    known: i64,
}

impl Newer {
    fn release(options: &Options) -> Self {
        let (conn, schema) = match (&options.server, &options.path) {
            (Some(server), _) => (db::Conn::server(server, false), server.schema().to_owned()),
            (None, Some(path)) => {
                let pragmas = "pragma busy_timeout = 10000".to_owned();
                (db::Conn::file(&db::File { path: path.clone(), pragmas }, false), String::new())
            }
            (None, None) => panic!("a database in memory is nobody else's"),
        };
        let conn = conn.unwrap();
        let mut known = 0;
        conn.ask_while("select max(number) from tabi_migration", &db::Rows::once(), |_, row| {
            known = db::cell(row, 0)?;
            Ok::<_, db::Error>(true)
        })
        .unwrap();
        let views = ["tally", "place_tally", "not_sent_tally"];
        let mut tables = db::copy::tables(&conn, &schema).unwrap();
        tables.retain(|table| {
            table != "tabi_migration" && !(conn.is_postgres() && views.contains(&table.as_str()))
        });
        assert!(tables.len() > 40);
        Self { conn, tables, known }
    }

    /// A column for every table, a table, an index; `needs`: what a release has to know to live with it.
    fn adds(&self, needs: Option<i64>) {
        self.conn.batch("begin").unwrap();
        for (nth, table) in self.tables.iter().enumerate() {
            let column = if nth % 2 == 0 { "text" } else { "bigint not null default 7" };
            self.conn
                .batch(&format!("alter table {table} add column later_{} {column}", self.known))
                .unwrap();
        }
        self.conn
            .batch("create table later (shard bigint not null, id bigint not null, primary key (shard, id))")
            .unwrap();
        self.conn.batch("create index later_message on message (shard, outcome)").unwrap();
        let needs = needs.map_or("null".to_owned(), |needs| needs.to_string());
        let number = self.known + 1;
        self.conn
            .batch(&format!(
                "insert into tabi_migration (number, name, needs) values ({number}, 'later', {needs})"
            ))
            .unwrap();
        self.conn.batch("commit").unwrap();
    }
}

/// Steps, sends, takes in and is asked with the newer schema under it, and so does one that starts then.
async fn survives(options: Options) {
    let open = async |options: &Options| Store::open(options.clone(), Vault::ephemeral(1)).await;
    let store = open(&options).await.unwrap();
    let life = live(&store).await;
    let newer = tokio::task::spawn_blocking({
        let options = options.clone();
        move || {
            let newer = Newer::release(&options);
            newer.adds(Some(newer.known));
            newer
        }
    })
    .await
    .unwrap();
    goes_on(&store, &life, false).await;
    store.close().await;
    drop(store);
    let again = open(&options).await.unwrap();
    assert_eq!(again.held(), None);
    again.close().await;
    drop(again);
    assert_eq!(
        options.migrate().await.unwrap(),
        Migrated { from: Some(newer.known + 1), to: newer.known + 1 }
    );

    // One that takes something away says so, and is refused by whoever does not know it.
    let forbids = format!("update tabi_migration set needs = number where number = {}", newer.known + 1);
    tokio::task::spawn_blocking(move || newer.conn.batch(&forbids).unwrap()).await.unwrap();
    for options in [options.clone(), options.read_only()] {
        let refused = open(&options).await;
        assert!(matches!(refused, Err(StoreError::NewerSchema { .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_survives_the_next_schema() {
    let folder = tempfile::tempdir().unwrap();
    survives(Options::file(folder.path().join("tabi.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_survives_the_next_schema() {
    survives(Options::server_in(&url(), &format!("expand_{}", std::process::id())).unwrap()).await;
}

/// The whole suite, on tables that a newer release has added to while they were open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_of_conformance_passes_on_the_next_schema() {
    let count = std::sync::atomic::AtomicU32::new(0);
    exercise(async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let schema = format!("later_{}_{n}", std::process::id());
        let options = Options::server_in(&url(), &schema).unwrap();
        let store = Store::open(options.clone(), Vault::ephemeral(1)).await.unwrap();
        // Statements are prepared before the tables change.
        store.totals(words::Timestamp::from_secs(0)).await.unwrap();
        tokio::task::spawn_blocking(move || {
            let newer = Newer::release(&options);
            newer.adds(Some(newer.known));
        })
        .await
        .unwrap();
        store
    })
    .await;
}
