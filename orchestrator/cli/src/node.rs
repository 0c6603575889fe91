//! A node: a process that is at work on an installation until it is told to end.
//!
//! `tabi serve` and `tabi worker` are both one, and so is the end of `tabi demo`. What they share stands here: opening, the
//! door for commands, development inbox, machine, live release, signs of life, and an orderly end. They differ in what they
//! open to the outside ([`Outside`]), and in what they say about it.

use crate::{
    adapters::InboxPorts,
    calls::HttpCalls,
    children::Children,
    commands::{Context, who_am_i},
    control::{self, Desk, Running},
    exit::{Exit, Fault},
    hooks::Wiring,
    instance::{self, Instance},
    place::Place,
    project,
};
use anyhow::Context as _;
use server::{App, Current};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::{NodeRole, NodeSign, StoreError};
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    sync::watch,
    task::JoinHandle,
};
use worker::{Machine, Parts};

/// How long draining may take before the process ends all the same; what was not done is due again at the next start.
const DRAIN_MAX: Duration = Duration::from_secs(70);

/// How long a database on a server is waited for: it may come up later than we do, or go down meanwhile.
const DATABASE_WAIT: Duration = Duration::from_secs(60);

/// What a node is to the outside.
pub(crate) struct Outside {
    /// What it does.
    pub(crate) role: NodeRole,
    /// Where it listens: API and console; of a worker, its health alone. `None`: nowhere.
    pub(crate) listener: Option<TcpListener>,
    /// What customers and shops reach the installation by, without a slash at the end.
    pub(crate) base_url: String,
}

/// Opens the installation as the one node at work in its folder; waits for a database on a server that comes up later.
///
/// # Errors
/// Refused where another node is at work there. A command that is at work ends in a moment, and is waited for.
pub(crate) async fn open(context: &Context) -> anyhow::Result<Instance> {
    let place = Place::of(&context.common);
    let end = tokio::time::Instant::now() + control::BUSY_MAX;
    loop {
        match patiently(&place, async || Instance::write(context).await).await {
            Err(error) => match instance::in_use_by(&error) {
                Some(by) if control::answers(&place).await || tokio::time::Instant::now() > end => {
                    return Err(taken(&place, &by).into());
                }
                Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                None => return Err(error),
            },
            opened => return opened,
        }
    }
}

/// Another node is at work in this folder.
fn taken(place: &Place, by: &str) -> Fault {
    let folder = place.folder().display();
    Fault::refused(if place.is_shared() {
        format!(
            "another node is at work in {folder} ({by}): every node has a data folder of its own; name one with --data, or stop \
             that node first"
        )
    } else {
        format!(
            "Tabi runs on {folder} already ({by}): use that one, stop it first, or name another folder with --data"
        )
    })
}

/// Does it again as long as the database on a server does not answer, for [`DATABASE_WAIT`] at most.
async fn patiently<T>(place: &Place, mut work: impl AsyncFnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let end = tokio::time::Instant::now() + DATABASE_WAIT;
    let mut said = false;
    loop {
        match work().await {
            Err(error)
                if place.is_shared()
                    && instance::out_of_reach(&error)
                    && tokio::time::Instant::now() < end =>
            {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(
                        "The database does not answer, it is asked for {} s: {error:#}",
                        DATABASE_WAIT.as_secs()
                    );
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            done => return done,
        }
    }
}

/// Listens, or says how to listen elsewhere; `option`: what names another address.
pub(crate) async fn listen(
    wanted: impl ToSocketAddrs + ToString,
    option: &str,
) -> anyhow::Result<TcpListener> {
    let shown = wanted.to_string();
    TcpListener::bind(wanted).await.map_err(|error| {
        Fault::unreachable(format!("{shown} cannot be listened on: {error}; choose another with {option}"))
            .into()
    })
}

/// An address that a program on this machine can open.
pub(crate) fn reachable(listens: SocketAddr) -> SocketAddr {
    let mut reachable = listens;
    if listens.ip().is_unspecified() {
        reachable.set_ip([127, 0, 0, 1].into());
    }
    reachable
}

/// Runs a node until the process is told to end. `prepare` opens what the outside sees of it, `tell` says where that is.
pub(crate) async fn run(
    context: &Context,
    instance: Instance,
    prepare: impl AsyncFnOnce(&Instance) -> anyhow::Result<Outside>,
    tell: impl AsyncFnMut(&Desk, &App) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    // First of all: whoever sees anything of it listen finds the way to command it.
    let door = control::listen(&instance.place).await?;
    let ran = run_with(context, instance.clone(), &door, prepare, tell).await;
    if ran.is_err() {
        // The lock falls before the process ends: the next command does its work by itself.
        let _ = std::fs::remove_file(instance.place.control());
    }
    ran
}

async fn run_with(
    context: &Context,
    instance: Instance,
    door: &control::Opened,
    prepare: impl AsyncFnOnce(&Instance) -> anyhow::Result<Outside>,
    mut tell: impl AsyncFnMut(&Desk, &App) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let Outside { role, listener, base_url } = prepare(&instance).await?;
    let listens = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let current = Current::default();
    let inbox = {
        let clock = Arc::clone(&instance.clock);
        inbox::Inbox::open_at(&instance.place.inbox(), move || clock.now()).await?
    };
    let desk = Arc::new(desk(&instance, &inbox, &current, role, &base_url, listens).await?);
    patiently(&instance.place, async || start(context, &desk).await).await?;

    let wiring = Wiring { desk: Arc::clone(&desk), inbox };
    let app = App::new(
        instance.store.clone(),
        Arc::clone(&instance.clock),
        Arc::clone(&instance.ids),
        current,
        base_url.as_str(),
    )
    .with_hooks(Arc::new(wiring))
    .with_imports(desk.running.as_ref().map(|running| running.imports.clone()).unwrap_or_default())
    .with_settings(server::Settings {
        // Whoever can reach the demo may use it, so only this machine may reach it.
        demo: instance.advances.is_some() && listens.is_some_and(|listens| listens.ip().is_loopback()),
        secrets: server::Secrets::environment_or(instance.place.secrets()),
        ..server::Settings::default()
    });
    let (stop, stopped) = watch::channel(false);
    let serving = serving(role, listener, app.clone(), stopped.clone());
    door.serve(&desk);
    let machine = machine(&desk)?;
    let sign = NodeSign {
        name: machine.node.clone(),
        role,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        listens: listens.map(|listens| listens.to_string()).unwrap_or_default(),
    };
    let aside = [
        tokio::spawn(follow(Arc::clone(&desk), stopped.clone())),
        tokio::spawn(live(instance.clone(), sign.clone())),
    ];
    let working = match role.works() {
        true => tokio::spawn(worker::tickets::run(machine, instance.place.jobs(), stopped)),
        false => tokio::spawn(async {}),
    };
    patiently(&instance.place, async || tell(&desk, &app).await).await?;

    let mut serving = serving;
    let broken = tokio::select! {
        name = signalled() => {
            tracing::info!("{name}: what is under way comes to its end");
            None
        }
        // Served requests end only when told to: the listener broke.
        ended = &mut serving => Some(ended),
    };
    stop.send_replace(true);
    let drained = async {
        if broken.is_none() {
            let _ = serving.await;
        }
        let _ = working.await;
    };
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::warn!(
            "Draining took longer than {} s: the rest is due again at the next start",
            DRAIN_MAX.as_secs()
        );
    }
    for task in aside {
        task.abort();
    }
    close(instance, &sign.name).await;
    match broken {
        None => Ok(Exit::Fine),
        Some(ended) => {
            ended.context("serving")?.context("the listener")?;
            Ok(Exit::Unreachable)
        }
    }
}

/// What is open to the outside; ends when it is told to, or breaks.
fn serving(
    role: NodeRole,
    listener: Option<TcpListener>,
    app: App,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<std::io::Result<()>> {
    match (listener, role) {
        (Some(listener), NodeRole::Worker) => {
            tokio::spawn(server::serve_health(app, listener, ended(stopped)))
        }
        (Some(listener), _) => tokio::spawn(server::serve(app, listener, ended(stopped))),
        (None, _) => tokio::spawn(async {
            ended(stopped).await;
            Ok(())
        }),
    }
}

/// Loads what another node made live, and sends where another node said that messages go.
async fn follow(desk: Arc<Desk>, mut stopped: watch::Receiver<bool>) {
    let store = &desk.instance.store;
    let mut releases = store.watch_releases();
    // What is live now was loaded at the start.
    releases.mark_unchanged();
    let mut sending = store.sending_live().await.map(|live| live.is_some()).ok();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            changed = releases.changed() => {
                if changed.is_err() {
                    return;
                }
                if let Err(error) = desk.reload().await {
                    tracing::error!("Another node made a release live that cannot be loaded here: {error:#}");
                }
            }
            _ = second.tick(), if desk.instance.place.is_shared() => {
                let Ok(now) = store.sending_live().await.map(|live| live.is_some()) else { continue };
                if sending != Some(now) {
                    match desk.choose_adapters().await {
                        Ok(()) => sending = Some(now),
                        Err(error) => tracing::error!("Another node went live, and this one cannot: {error:#}"),
                    }
                }
            }
            _ = stopped.changed() => return,
        }
    }
}

/// Gives signs of life, also while what is under way comes to its end.
async fn live(instance: Instance, sign: NodeSign) {
    let beat = if instance.place.is_shared() { store::BEAT_SHARED } else { store::BEAT_ALONE };
    let beat = Duration::from_micros(u64::try_from(beat.as_micros()).unwrap_or(0));
    let mut failing = false;
    loop {
        match instance.store.heartbeat(&sign, instance.clock.machine_now()).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("No sign of life can be given; it is tried again: {error}");
                }
            }
        }
        tokio::time::sleep(beat).await;
    }
}

async fn desk(
    instance: &Instance,
    inbox: &inbox::Inbox,
    current: &Current,
    role: NodeRole,
    base_url: &str,
    listens: Option<SocketAddr>,
) -> anyhow::Result<Desk> {
    let here = ([127, 0, 0, 1], 0);
    let ports =
        InboxPorts { smtp: inbox.serve_smtp(here.into()).await?, http: inbox.serve_http(here.into()).await? };
    let calls = Arc::new(HttpCalls::new()?);
    let machine = Machine::new(Parts {
        store: instance.store.clone(),
        clock: Arc::clone(&instance.clock),
        ids: Arc::clone(&instance.ids),
        node: instance::random_token()?,
        base_url: base_url.to_owned(),
        renderer: Arc::new(Children(render::Pool::new(render::PoolOptions::this_program()?))),
        caller: Arc::clone(&calls) as Arc<dyn worker::calls::Caller>,
        observer: None,
    });
    let machine = Arc::new(
        machine.hand_over_within(instance.config.hand_over_max()).alert(instance.config.alerts.clone()),
    );
    let current = current.clone();
    let serves = listens.filter(|_| role != NodeRole::Worker);
    Ok(Desk {
        instance: instance.clone(),
        running: Some(Running {
            machine,
            released: Box::new(move |release| current.set(release)),
            inbox: ports,
            calls,
            role,
            base_url: base_url.to_owned(),
            listens,
            console: serves.map(|listens| format!("http://{}", reachable(listens))),
            imports: server::import::Imports::default(),
        }),
    })
}

/// What has to be true before the first request: adapters, the live release, and what an earlier life left behind.
async fn start(context: &Context, desk: &Desk) -> anyhow::Result<()> {
    let store = &desk.instance.store;
    desk.choose_adapters().await?;
    let worker = desk.running.as_ref().is_some_and(|running| running.role == NodeRole::Worker);
    match store.live_release().await? {
        Some(_) => desk.reload().await?,
        // It loads what others deploy.
        None if worker => {
            tracing::info!("Nothing is deployed yet: this node begins to work when something is")
        }
        None => first_release(context, desk).await?,
    }
    let swept = store.sweep_at_start(desk.instance.now()).await?;
    tracing::debug!("What an earlier life left behind was looked at: {swept:?}");
    Ok(())
}

/// The project of this folder, where there is one and it is whole.
async fn first_release(context: &Context, desk: &Desk) -> anyhow::Result<()> {
    let root = project::find(context.common.project.as_deref())?;
    if !project::is_project(&root) {
        context.out.hint(context.out.either(
            "Nothing is deployed yet: `tabi deploy` in a project's folder does it.",
            "まだ何もデプロイされていません。プロジェクトのフォルダーで `tabi deploy` を実行してください。",
        ));
        return Ok(());
    }
    let files = project::read(&root)?;
    let by = who_am_i().unwrap_or_else(|| "tabi serve".to_owned());
    if let Err(problems) = desk.deploy(files.clone(), &by, "first start").await? {
        project::show(context.out, &files, &problems);
        context.out.say(format!("{}: the project is not deployed", project::counted(context.out, &problems)));
    }
    Ok(())
}

fn machine(desk: &Desk) -> anyhow::Result<Arc<Machine>> {
    desk.running.as_ref().map(|running| Arc::clone(&running.machine)).context("the machine runs here")
}

/// Ends when the process is asked to end; says by what.
async fn signalled() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = tokio::signal::ctrl_c() => "Ctrl-C",
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    "Ctrl-C"
}

async fn ended(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn close(instance: Instance, node: &str) {
    let _ = std::fs::remove_file(instance.place.control());
    if let Err(error) = instance.store.put_business_clock(instance.now()).await
        && !matches!(error, StoreError::ReadOnly)
    {
        tracing::warn!("The clock could not be kept: {error}");
    }
    if let Err(error) = instance.store.node_ends(node).await {
        tracing::warn!("This node will be listed as silent for a day: {error}");
    }
    instance.close().await;
}
