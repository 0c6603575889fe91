//! An installation: nodes on one database, live, sending to the sinks.

use crate::{
    cluster::Cluster,
    disk::Disk,
    node::Node,
    options::{Options, Store},
    sink::http::ACCOUNT,
};
use anyhow::{Context as _, Result, bail};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Who goes live and lets go.
pub const WHO: &str = "The siege";

/// The longest that a node may take to come up; a busy machine must not fail.
pub const UP_MAX: Duration = Duration::from_secs(60);

/// The installation under siege.
#[derive(Debug)]
pub struct Installation {
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// A key that lets events in.
    pub key: String,
    /// The file that says how far ahead the clock of the nodes is; none where it cannot be moved.
    clock: Option<PathBuf>,
    /// The disks of the nodes, where they have their own.
    pub disks: Vec<Disk>,
    /// The database server, where there is one.
    pub cluster: Option<Cluster>,
}

impl Drop for Installation {
    fn drop(&mut self) {
        // Before their disks go.
        self.nodes.iter_mut().for_each(Node::kill);
    }
}

/// Where Linux distributions put the library that moves a process's clock.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

impl Installation {
    /// Sets one up in `folder` and goes live. The nodes are up afterwards.
    ///
    /// # Errors
    /// When it does not come up, or is not let live.
    pub fn open(options: &Options, folder: &Path, smtp: SocketAddr, sms: SocketAddr) -> Result<Self> {
        if options.store == Store::Sqlite && options.nodes != 1 {
            bail!("SQLite takes one node: leave --nodes out");
        }
        let cluster = if options.store == Store::Postgres { Some(Cluster::start()?) } else { None };
        let program = program(options)?;
        let clock = faketime().filter(|_| options.clock_moves > 0);
        let clock = clock.map(|library| (library, folder.join("clock")));
        if let Some((_, file)) = &clock {
            std::fs::write(file, "+0")?;
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
        let (mut nodes, mut disks) = (Vec::new(), Vec::new());
        for number in 0..options.nodes {
            let data = folder.join(format!("node-{number}"));
            std::fs::create_dir_all(&data)?;
            disks.extend(options.disk_mib.and_then(|mib| Disk::mount(&data, mib)));
            let config = folder.join(format!("node-{number}.yaml"));
            let arguments = ["--config", text(&config)?, "--project", text(&project)?].map(str::to_owned);
            let mut node =
                Node::new(&program, &arguments, &data, &folder.join(format!("node-{number}.log")))?;
            node.set("SIEGE_SMS_SECRET", ACCOUNT.1);
            if let Some(cluster) = &cluster {
                node.set("TABI_DATABASE", &cluster.url);
            }
            if let Some((library, file)) = &clock {
                node.set("LD_PRELOAD", text(library)?);
                node.set("FAKETIME_TIMESTAMP_FILE", text(file)?);
                node.set("FAKETIME_CACHE_DURATION", "1");
                // Deadlines go by a clock that nobody can move.
                node.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
                node.set("NO_FAKE_STAT", "1");
            }
            std::fs::write(&config, settings(options, smtp, sms))?;
            nodes.push(node);
        }
        for number in 0..nodes.len() {
            if number > 0 {
                // One installation has one root key; its first node made it.
                std::fs::copy(nodes[0].data().join("root.key"), nodes[number].data().join("root.key"))?;
            }
            nodes[number].launch()?;
            nodes[number].wait_until_up(UP_MAX)?;
        }
        let first = nodes.first().context("a node")?;
        let made = first.run(&["--format", "json", "key", "create", "siege", "--by", WHO])?;
        let made: serde_json::Value = serde_json::from_str(&made).context("the answer to `key create`")?;
        let key = made["key"].as_str().context("a key in the answer to `key create`")?.to_owned();
        first.run(&["go-live", "--by", WHO, "--yes"])?;
        if nodes.len() > 1 {
            // The others hear of it within a second; until then they send to the development inbox, as they should.
            std::thread::sleep(Duration::from_secs(3));
        }
        Ok(Self { nodes, key, clock: clock.map(|(_, file)| file), disks, cluster })
    }

    /// Where the nodes listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Node::address).collect()
    }

    /// A node that can be asked.
    ///
    /// # Errors
    /// When there is none.
    pub fn any(&self) -> Result<&Node> {
        self.nodes.first().context("a node")
    }

    /// Sets the clock of all nodes so many seconds ahead; whether that could be done.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn set_clock(&self, ahead_s: i64) -> Result<bool> {
        let Some(file) = &self.clock else { return Ok(false) };
        // Replaced as a whole: whoever reads it in between must not find half of it.
        let new = file.with_extension("new");
        std::fs::write(&new, format!("{ahead_s:+}"))?;
        std::fs::rename(new, file)?;
        Ok(true)
    }

    /// Starts what does not run and waits until all are up.
    ///
    /// # Errors
    /// When one does not come up.
    pub fn heal(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            if !node.is_running() {
                node.kill();
                node.launch()?;
            }
        }
        self.nodes.iter_mut().try_for_each(|node| node.wait_until_up(UP_MAX))
    }
}

/// The binary under siege.
///
/// # Errors
/// When this program does not know where it lies, or the binary is not there.
pub fn program(options: &Options) -> Result<PathBuf> {
    let named = options.bin.clone().or_else(|| std::env::var_os("TABI_BIN").map(PathBuf::from));
    let path = match named {
        Some(path) => path,
        None => {
            let here = std::env::current_exe()?;
            // A test lies one folder deeper than a program.
            let beside = here.ancestors().skip(1).take(2).map(|folder| folder.join("tabi"));
            beside.into_iter().find(|path| path.exists()).context("no `tabi` beside this program")?
        }
    };
    if !path.exists() {
        bail!("{} is not there: build it with `cargo build -p cli`", path.display());
    }
    Ok(path)
}

/// The library that moves a process's clock, where it is installed.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = folders.chain(["/usr/lib".into(), "/usr/lib64".into(), "/usr/local/lib".into()]);
    folders.map(|folder| folder.join(FAKETIME)).find(|library| library.exists())
}

/// Reports go to the public address; the provider of the siege knows where that leads.
fn settings(options: &Options, smtp: SocketAddr, sms: SocketAddr) -> String {
    format!(
        "base_url: https://tabi.example.jp\nhand_over_seconds: {}\nemail:\n  host: {}\n  port: {}\n  tls: none\nsms:\n  account: {}\n  \
         base_url: http://{sms}\n  secret: {{env: SIEGE_SMS_SECRET}}\n  callbacks: true\n",
        options.hand_over_s,
        smtp.ip(),
        smtp.port(),
        ACCOUNT.0
    )
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path in UTF-8")
}
