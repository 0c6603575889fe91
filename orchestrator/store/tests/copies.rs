//! Copies, from each kind of database to each: nothing is missing, nothing is sent twice, and what cannot be restored says why.
#![allow(clippy::unwrap_used, clippy::panic)]

use db::copy::{columns, sum, tables};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use store::conformance::{goes_on, is_all_there, live};
use store::{Moved, Options, RestoreInto, Store, StoreError};
use vault::{KeysCopy, RootKey, Vault, VaultError};
use words::Timestamp;

fn url() -> String {
    std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    )
}

fn root() -> RootKey {
    RootKey::from_bytes([5; 32])
}

fn now() -> Timestamp {
    Timestamp::from_secs(1_790_000_000)
}

/// A place for an installation: a folder of its own, or two schemas.
enum Place {
    Folder(PathBuf),
    Schemas(String),
}

impl Place {
    fn folder(of: &Path, name: &str) -> Self {
        let folder = of.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self::Folder(folder)
    }

    fn schemas(name: &str) -> Self {
        Self::Schemas(format!("copies_{}_{name}", std::process::id()))
    }

    fn keys_schema(schema: &str) -> String {
        format!("{schema}_keys")
    }

    fn options(&self) -> Options {
        match self {
            Self::Folder(folder) => Options::file(folder.join("tabi.db")),
            Self::Schemas(schema) => Options::server_in(&url(), schema).unwrap(),
        }
    }

    async fn vault(&self) -> Vault {
        match self {
            Self::Folder(folder) => Vault::open(&folder.join("keys.db"), &root()).await.unwrap(),
            Self::Schemas(schema) => {
                Vault::on_server(db::Server::parse(&url(), &Self::keys_schema(schema)).unwrap(), &root())
                    .await
                    .unwrap()
            }
        }
    }

    async fn open(&self) -> Store {
        Store::open(self.options(), self.vault().await).await.unwrap()
    }

    fn target(&self) -> RestoreInto {
        match self {
            Self::Folder(folder) => {
                RestoreInto::Files { data: folder.join("tabi.db"), keys: folder.join("keys.db") }
            }
            Self::Schemas(schema) => RestoreInto::Server {
                server: Box::new(db::Server::parse(&url(), schema).unwrap()),
                keys: Self::keys_schema(schema),
            },
        }
    }
}

async fn close(store: Store) {
    store.close().await;
    store.vault().close().await;
}

async fn back_up(store: &Store, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    store.backup(&folder.join("tabi.db")).await.unwrap();
    store.vault().backup_keys(&folder.join("keys.db")).await.unwrap();
}

async fn restore(folder: &Path, place: &Place) -> Result<store::Restored, StoreError> {
    let keys = KeysCopy::open(&folder.join("keys.db"), &root())?;
    store::restore(&folder.join("tabi.db"), &keys, place.target()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_either_goes_on_in_either_and_sends_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| [Place::folder(folder.path(), name), Place::schemas(name)];
    for (nth, original) in of("original").into_iter().enumerate() {
        let store = original.open().await;
        let life = live(&store).await;
        let copy = folder.path().join(format!("copy-{nth}"));
        // While it is in use.
        back_up(&store, &copy).await;
        for place in of(&format!("restored_{nth}")) {
            let restored = restore(&copy, &place).await.unwrap();
            assert!(restored.data.held.is_some());
            assert_eq!((restored.data.rows["message"], restored.without_keys), (3, 0));
            assert!(restored.keys > 3);
            let again = restore(&copy, &place).await;
            assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
            let restored = place.open().await;
            is_all_there(&restored, &life).await;
            // A copy of a copy is one, too.
            back_up(
                &restored,
                &folder
                    .path()
                    .join(format!("copy-of-{nth}-{}", restored.instance_id().len()))
                    .join(if matches!(place, Place::Folder(_)) { "file" } else { "server" }),
            )
            .await;
            goes_on(&restored, &life, true).await;
            close(restored).await;
            assert_eq!(place.open().await.held(), None, "released for good");
        }
        close(store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_move_by_a_backup_is_not_held() {
    let folder = tempfile::tempdir().unwrap();
    let original = Place::schemas("announced");
    let store = original.open().await;
    let life = live(&store).await;
    store.announce_move("mika", now()).await.unwrap();
    back_up(&store, &folder.path().join("copy")).await;
    close(store).await;
    for place in [Place::folder(folder.path(), "there"), Place::schemas("announced_there")] {
        assert_eq!(restore(&folder.path().join("copy"), &place).await.unwrap().data.held, None);
        let there = place.open().await;
        is_all_there(&there, &life).await;
        goes_on(&there, &life, false).await;
        close(there).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_moves_to_a_server_and_does_not_start_again() {
    let folder = tempfile::tempdir().unwrap();
    let here = Place::folder(folder.path(), "here");
    let there = Place::schemas("moved");
    let Place::Schemas(schema) = &there else { unreachable!() };
    let server = || db::Server::parse(&url(), schema).unwrap();
    let keys_schema = Place::keys_schema(schema);
    let keys = || KeysCopy::open(&folder.path().join("here/keys.db"), &root()).unwrap();
    let go = async || store::move_to(&here.options(), &keys(), (server(), &keys_schema), "mika", now()).await;

    let store = here.open().await;
    let (life, instance) = (live(&store).await, store.instance_id());
    let running = go().await;
    assert!(matches!(running, Err(StoreError::InUse { .. })), "{running:?}");
    close(store).await;

    // A place that is not empty: it goes on here as before.
    let other = there.open().await;
    close(other).await;
    let full = go().await;
    assert!(matches!(full, Err(StoreError::Conflict(_))), "{full:?}");
    let still = here.open().await;
    assert_eq!(still.held(), None);
    close(still).await;
    drop_schemas(&[schema, &keys_schema]).await;

    let Moved::Now(done) = go().await.unwrap() else { panic!("nothing was moved") };
    assert_eq!((done.data.held, done.without_keys), (None, 0));
    let again = Store::open(here.options(), here.vault().await).await;
    assert!(matches!(again, Err(StoreError::Moved { .. })), "{again:?}");
    let read = Store::open(here.options().read_only(), here.vault().await).await.unwrap();
    assert!(read.held().is_some_and(|held| held.reason.contains("was moved")), "it can still be read");
    close(read).await;
    assert_eq!(go().await.unwrap(), Moved::Before, "a second time finds that it is done");
    let elsewhere = db::Server::parse(&url().replace("/postgres", "/template1"), schema).unwrap();
    let elsewhere = store::move_to(&here.options(), &keys(), (elsewhere, &keys_schema), "mika", now()).await;
    assert!(matches!(elsewhere, Err(StoreError::Moved { .. })), "{elsewhere:?}");

    let store = there.open().await;
    assert_eq!(store.instance_id(), instance);
    is_all_there(&store, &life).await;
    goes_on(&store, &life, false).await;
    close(store).await;

    store::take_back(&here.options()).await.unwrap();
    let back = here.open().await;
    assert!(back.held().is_some_and(|held| held.reason.contains("taken back")));
    close(back).await;
    assert!(matches!(store::take_back(&here.options()).await, Err(StoreError::Conflict(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_cut_off_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let here = Place::folder(folder.path(), "here");
    let there = Place::schemas("cut_off");
    let Place::Schemas(schema) = &there else { unreachable!() };
    let store = here.open().await;
    let life = live(&store).await;
    let server = || db::Server::parse(&url(), schema).unwrap();
    // As a process leaves it that ended between the two commits.
    let to = format!("{{\"to\":\"{}\",\"by\":\"mika\",\"at\":1,\"held\":null}}", server().shown());
    store.put_setting("moved_to", Some(&to)).await.unwrap();
    store.put_setting("held", Some("this database was moved")).await.unwrap();
    close(store).await;
    let keys = KeysCopy::open(&folder.path().join("here/keys.db"), &root()).unwrap();
    let keys_schema = Place::keys_schema(schema);
    let done = store::move_to(&here.options(), &keys, (server(), &keys_schema), "mika", now()).await.unwrap();
    assert!(matches!(done, Moved::Now(_)));
    let store = there.open().await;
    goes_on(&store, &life, false).await;
    close(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_restored_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let original = Place::folder(folder.path(), "original");
    let store = original.open().await;
    live(&store).await;
    let copy = folder.path().join("copy");
    back_up(&store, &copy).await;
    close(store).await;

    let wrong = KeysCopy::open(&copy.join("keys.db"), &RootKey::from_bytes([6; 32]));
    assert!(matches!(wrong, Err(VaultError::WrongRoot)), "{wrong:?}");
    let missing = KeysCopy::open(&folder.path().join("nowhere/keys.db"), &root());
    assert!(matches!(missing, Err(VaultError::Io { .. })), "{missing:?}");
    let data = KeysCopy::open(&copy.join("tabi.db"), &root());
    assert!(matches!(data, Err(VaultError::Io { .. })), "the data are no keys: {data:?}");

    let places = [Place::folder(folder.path(), "into"), Place::schemas("refused")];
    let keys = KeysCopy::open(&copy.join("keys.db"), &root()).unwrap();
    let refused = async |from: &Path, says: &str| {
        for place in &places {
            let error = store::restore(from, &keys, place.target()).await.unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
            match place {
                Place::Folder(folder) => assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{says}"),
                Place::Schemas(_) => assert!(!place.options().is_there().await.unwrap(), "{says}"),
            }
        }
    };
    refused(&copy.join("nothing.db"), "there is no backup").await;
    refused(&copy.join("keys.db"), "not a database of Tabi").await;
    let text = folder.path().join("text");
    std::fs::write(&text, "this is no database at all, and long enough to be looked at").unwrap();
    refused(&text, "no backup that can be restored").await;
    let damaged = folder.path().join("damaged.db");
    let mut bytes = std::fs::read(copy.join("tabi.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle - 4096..middle + 4096].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    refused(&damaged, "no backup that can be restored").await;
    let newer = folder.path().join("newer.db");
    std::fs::copy(copy.join("tabi.db"), &newer).unwrap();
    changed(&newer, "insert into tabi_migration (number, name) values (999, 'later')");
    refused(&newer, "schema 999").await;
    // A cell that fits no column of its kind is found before anything is committed.
    let odd = folder.path().join("odd.db");
    std::fs::copy(copy.join("tabi.db"), &odd).unwrap();
    changed(&odd, "update event set name = 'order'");
    let error = store::restore(&odd, &keys, places[1].target()).await.unwrap_err().to_string();
    assert!(error.contains("event.name"), "{error}");
    assert!(!places[1].options().is_there().await.unwrap());

    // Keys of an earlier day: it is restored, and says how many it does not open.
    let older = folder.path().join("older.db");
    std::fs::copy(copy.join("keys.db"), &older).unwrap();
    changed(&older, "delete from subject_key where class = 1");
    let older = KeysCopy::open(&older, &root()).unwrap();
    for place in &places {
        let restored = store::restore(&copy.join("tabi.db"), &older, place.target()).await.unwrap();
        assert_eq!(restored.without_keys, 4);
    }
}

/// Everything that the suite of conformance leaves in a database is in its copy, whichever way it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_there_is_comes_along() {
    let folder = tempfile::tempdir().unwrap();
    let no_keys = folder.path().join("keys.db");
    Vault::open(&no_keys, &root()).await.unwrap().close().await;
    let keys = KeysCopy::open(&no_keys, &root()).unwrap();
    let made = Mutex::new(Vec::new());
    store::conformance::exercise(async || {
        let nth = made.lock().unwrap().len();
        let store = Store::open(Options::file(folder.path().join(format!("{nth}.db"))), Vault::ephemeral(1))
            .await
            .unwrap();
        made.lock().unwrap().push(store.clone());
        store
    })
    .await;
    let made = made.into_inner().unwrap();
    assert!(made.len() > 20);
    for (nth, store) in made.into_iter().enumerate() {
        let file = |name: &str| folder.path().join(format!("{nth}-{name}.db"));
        store.backup(&file("one")).await.unwrap();
        store.close().await;
        let place = Place::schemas(&format!("all_{nth}"));
        store::restore(&file("one"), &keys, place.target()).await.unwrap();
        let server = Store::open(place.options().read_only(), Vault::ephemeral(1)).await.unwrap();
        server.backup(&file("two")).await.unwrap();
        server.close().await;
        assert_eq!(sums(&file("one")), sums(&file("two")), "{nth}");
        let file = Store::open(Options::file(file("two")), Vault::ephemeral(1)).await.unwrap();
        assert_eq!(file.check().await.unwrap(), Vec::<String>::new(), "{nth}");
        file.close().await;
        let Place::Schemas(schema) = place else { unreachable!() };
        drop_schemas(&[&schema, &Place::keys_schema(&schema)]).await;
    }
}

/// Of each table; how the log is searched may be kept in other blocks.
fn sums(path: &Path) -> BTreeMap<String, db::copy::Sum> {
    let conn = db::Conn::file(&db::File { path: path.to_owned(), pragmas: String::new() }, true).unwrap();
    let of = |table: String| {
        let sum = sum(&conn, &table, &columns(&conn, &table).unwrap()).unwrap();
        (table, sum)
    };
    tables(&conn, "").unwrap().into_iter().filter(|table| table != "message_bits").map(of).collect()
}

fn changed(path: &Path, sql: &str) {
    let conn = db::Conn::file(&db::File { path: path.to_owned(), pragmas: String::new() }, false).unwrap();
    conn.batch(sql).unwrap();
    conn.close();
}

async fn drop_schemas(names: &[&str]) {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect(&url()).await.unwrap();
    for name in names {
        let sql = format!("drop schema if exists {name} cascade");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}
