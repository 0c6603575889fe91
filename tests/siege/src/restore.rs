//! A backup that is played back: the installation starts held, takes everything in, sends nothing, and goes on when a named
//! person lets it.

use crate::{
    installation::{Installation, UP_MAX, WHO},
    list,
    node::Node,
    record::{HELD, Said, now_us},
    run::{Siege, say},
    sink::http::Provider,
};
use anyhow::{Result, bail};
use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// Orders between the backup and the restore, which the restored copy knows nothing of; and as many after it.
const ORDERS: u64 = 20;

/// How long nothing must be sent. What is sent at once otherwise takes a tenth of it.
const HELD_FOR: Duration = Duration::from_secs(5);

/// What Tabi lists afterwards: what was in the backup, what came after the restore, and what was listed before it.
pub(crate) fn run(siege: &mut Siege, orders: u64, provider: &Provider) -> Result<Vec<Said>> {
    let copy = siege.folder.join("backup");
    let into = copy.to_string_lossy().into_owned();
    siege.installation.any()?.run(&["backup", "--into", &into, "--by", WHO])?;
    let arrived = siege.receipts.lines();
    tell(siege, orders, orders + ORDERS)?;
    // On a busy machine nothing may stir for a while: it has begun when something arrives.
    let end = Instant::now() + UP_MAX;
    while siege.receipts.lines() == arrived && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
    }
    siege.settle(provider, 0)?;
    let before = list::export(siege.installation.any()?, &siege.folder.join("listed-before-restore.jsonl"))?;

    let began = now_us();
    empty(&mut siege.installation)?;
    siege.installation.any()?.run(&["restore", "--from", &into])?;
    siege.done.note("restored backup", began)?;
    let held_from = now_us();
    start(&mut siege.installation)?;
    for node in &siege.installation.nodes {
        if node.health().is_none_or(|health| health["held"] != true) {
            bail!("a restored backup does not say that it is held: {:?}", node.health());
        }
    }
    // Everything works, and nothing is sent; also after another start.
    tell(siege, orders + ORDERS, orders + 2 * ORDERS)?;
    std::thread::sleep(HELD_FOR);
    siege.installation.nodes.iter_mut().for_each(Node::kill);
    start(&mut siege.installation)?;
    std::thread::sleep(HELD_FOR);
    siege.done.note(HELD, held_from)?;
    siege.installation.any()?.run(&["resume", "--held", "--by", WHO, "--reason", "the siege restored it"])?;
    say("released after a restore");
    siege.settle(provider, ORDERS)?;
    let after = list::export(siege.installation.any()?, &siege.folder.join("listed-after-restore.jsonl"))?;
    let known: BTreeSet<&str> = after.iter().map(|one| one.message.as_str()).collect();
    let forgotten = before.into_iter().filter(|one| !known.contains(one.message.as_str()));
    Ok(forgotten.chain(after.iter().cloned()).collect())
}

/// Ends all nodes, and leaves them a place with nothing in it: an empty folder, or a database made for it.
fn empty(installation: &mut Installation) -> Result<()> {
    for node in &mut installation.nodes {
        node.kill();
        node.forget_jobs();
        if installation.cluster.is_none() {
            for file in ["tabi.db", "tabi.db-wal", "tabi.db-shm", "keys.db", "keys.db-wal", "keys.db-shm"] {
                std::fs::remove_file(node.data().join(file)).ok();
            }
        }
    }
    if let Some(cluster) = &installation.cluster {
        let url = cluster.database("restored")?;
        installation.nodes.iter_mut().for_each(|node| node.set("TABI_DATABASE", &url));
    }
    Ok(())
}

fn start(installation: &mut Installation) -> Result<()> {
    for node in &mut installation.nodes {
        node.launch()?;
        node.wait_until_up(UP_MAX)?;
    }
    Ok(())
}

fn tell(siege: &Siege, first: u64, last: u64) -> Result<()> {
    siege.driver.allowed.store(last, Ordering::Relaxed);
    let drivers = siege.driver.go(first, last, 1);
    siege.driver.wait_for(last, Duration::from_secs(60))?;
    for driver in drivers {
        driver.join().map_err(|_| anyhow::anyhow!("the driver broke off"))??;
    }
    Ok(())
}
