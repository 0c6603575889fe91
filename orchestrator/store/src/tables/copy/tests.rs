#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::Options;
use std::collections::BTreeSet;

fn listed(left_out: &[&str]) -> BTreeSet<String> {
    TABLES
        .iter()
        .map(|(table, _)| (*table).to_owned())
        .filter(|table| !left_out.contains(&table.as_str()))
        .collect()
}

#[tokio::test]
async fn every_table_of_either_database_says_how_it_is_copied() {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    let folder = tempfile::tempdir().unwrap();
    let (file, schema) =
        (Options::file(folder.path().join("tabi.db")), format!("listed_{}", std::process::id()));
    let server = Options::server_in(&url, &schema).unwrap();
    for options in [&file, &server] {
        assert_eq!(options.migrate().await.unwrap().to, migrate::NEWEST);
    }
    let found = aside(move || {
        let file = Base::of(&file)?.reader()?;
        let server = Base::of(&server)?.reader()?;
        for (table, way) in TABLES.into_iter().filter(|(_, way)| *way != Way::Left) {
            assert_eq!(columns(&file, table)?, columns(&server, table)?, "{table} ({way:?})");
        }
        // A view over tables of lanes is what a file has as a table.
        Ok((BTreeSet::from_iter(tables(&file, "")?), BTreeSet::from_iter(tables(&server, &schema)?)))
    });
    let (file, server) = found.await.unwrap();
    let why = "a table that a migration made has to be put into the list beside this test";
    assert_eq!(
        file,
        listed(&["work_shard", "place_tally_lane", "tally_lane", "not_sent_tally_lane"]),
        "{why}"
    );
    assert_eq!(server, listed(&["message_bits", "message_span"]), "{why}");
}
