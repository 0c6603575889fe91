//! No statement of a hot path or of the log may scan a whole table.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::Store;
use super::entry::{ABOUT, CONTENT, ONE};
use super::ledger::order::{ANY, FIRST, URGENT};
use super::log::{ADDRESSED, BLOCK_BEFORE, OF_CUSTOMER, PLACE, PLACES, ROW};
use super::settle::DELIVERY;

async fn plan(store: &Store, sql: &str) -> String {
    let mut conn = store.read().await.unwrap();
    let rows = db::query(&format!("explain query plan {sql}")).fetch_all(&mut *conn).await.unwrap();
    rows.iter().map(|row| row.try_get::<String, _>(3).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_page_of_the_log_seeks_what_it_reads() {
    let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
    for sql in [ROW, PLACES, PLACE, BLOCK_BEFORE, OF_CUSTOMER, ADDRESSED, ONE, ABOUT, CONTENT, DELIVERY] {
        let plan = plan(&store, sql).await;
        assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{sql}\n{plan}");
        assert!(
            !plan.contains("PRIMARY KEY (shard=?)\n") && !plan.ends_with("PRIMARY KEY (shard=?)"),
            "{sql}\n{plan}"
        );
    }
    for sql in [PLACES, PLACE] {
        assert!(plan(&store, sql).await.contains("COVERING INDEX"), "{sql}");
    }
}

#[tokio::test]
async fn what_a_step_asks_of_a_customer_does_not_grow_with_what_they_were_sent() {
    let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
    let sources = [include_str!("claim.rs"), include_str!("ledger/work.rs"), include_str!("ledger.rs")];
    let mut seen = 0;
    for sql in sources.iter().flat_map(|source| source.split('"')).filter(|sql| sql.starts_with("select ")) {
        let sql = sql.replace("\\\n", " ");
        let plan = plan(&store, &sql).await;
        // By customer alone, deliveries are found by the index of those that are open.
        let all = "USING PRIMARY KEY (shard=?)";
        assert!(!plan.lines().any(|line| line.contains("SEARCH d") && line.ends_with(all)), "{sql}\n{plan}");
        assert!(
            !plan.contains("SCAN d") && !plan.contains("SCAN e") && !plan.contains("SCAN m"),
            "{sql}\n{plan}"
        );
        seen += usize::from(plan.contains("delivery_open (shard=? AND customer=?)"));
    }
    assert_eq!(seen, 3, "the statements are found in the source");
}

#[tokio::test]
async fn a_look_at_what_goes_next_seeks_in_each_shard() {
    let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
    for (sql, index) in [(ANY, "delivery_due"), (URGENT, "delivery_urgent"), (FIRST, "delivery_due")] {
        let plan = plan(&store, sql).await;
        assert!(plan.contains(&format!("{index} (shard=? AND channel=?")), "{sql}\n{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn set_based_updates_seek_their_rows() {
    let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
    // The statements as written in the source: each update that runs once for each row.
    let sources = [
        include_str!("commit.rs"),
        include_str!("hand_over.rs"),
        include_str!("ledger.rs"),
        include_str!("plan.rs"),
        include_str!("settle.rs"),
        include_str!("fanout.rs"),
    ];
    let mut seen = 0;
    for sql in sources.iter().flat_map(|source| source.split('"')) {
        let sql = sql.replace("\\\n", " ");
        if sql.contains("shard = ?1") && (sql.starts_with("update ") || sql.starts_with("delete from ")) {
            let plan = plan(&store, &sql).await;
            let mut parts = sql.split_whitespace().filter(|part| *part != "from").skip(1);
            let name = parts.next().unwrap();
            let table = if parts.next() == Some("as") { parts.next().unwrap() } else { name };
            assert!(!plan.contains(&format!("SCAN {table}\n")), "{sql}\n{plan}");
            assert!(plan.contains("SEARCH"), "{sql}\n{plan}");
            assert!(!plan.lines().any(|line| line.ends_with(&format!("SCAN {table}"))), "{sql}\n{plan}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "the statements are found in the source: {seen}");
}
