//! `tabi serve`: API, console, worker and development inbox in one process.

use super::Context;
use crate::{
    adapters::InboxPorts,
    calls::HttpCalls,
    children::Children,
    control::{self, Desk, Running},
    exit::{Exit, Fault},
    hooks::Wiring,
    instance::{self, Instance},
    place::Place,
    project,
};
use anyhow::Context as _;
use clap::Args;
use server::{App, Current};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use store::StoreError;
use tokio::{net::TcpListener, sync::watch};
use worker::{Machine, Parts};

/// Run it: API, console and worker; nothing leaves this machine before `tabi go-live`
///
/// Makes the data folder where there is none, deploys the project of this folder where nothing was deployed yet, and
/// says where the console is. Ends on SIGTERM or Ctrl-C, after what is under way has come to its end.
///
/// Example: tabi serve
///
/// Example: tabi serve --listen 0.0.0.0:8080 --base-url https://tabi.example.jp --data /var/lib/tabi
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where API and console listen [default: what tabi.yaml says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "TABI_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// What customers and shops reach us by [default: what tabi.yaml says, else the address that is listened on]
    #[arg(long, value_name = "URL", env = "TABI_BASE_URL")]
    pub(crate) base_url: Option<String>,
}

/// Where it listens where nobody says so.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// How long draining may take before the process ends all the same; what was not done is due again at the next start.
const DRAIN_MAX: Duration = Duration::from_secs(70);

/// How long a database on a server is waited for: it may come up later than we do, or go down meanwhile.
const DATABASE_WAIT: Duration = Duration::from_secs(60);

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

pub(crate) async fn run(context: &Context, args: &ServeArgs) -> anyhow::Result<Exit> {
    let place = Place::of(&context.common);
    let instance = match patiently(&place, async || Instance::write(context).await).await {
        Err(error) if instance::in_use(&error) => return Err(already_runs(context, error)),
        opened => opened?,
    };
    serve(context, args, instance).await
}

/// Serves an installation until the process is told to end.
pub(crate) async fn serve(context: &Context, args: &ServeArgs, instance: Instance) -> anyhow::Result<Exit> {
    // First of all: whoever sees anything of it listen finds the way to command it.
    let door = control::listen(&instance.place).await?;
    let served = serve_with(context, args, instance.clone(), &door).await;
    if served.is_err() {
        // The lock falls before the process ends: the next command does its work by itself.
        let _ = std::fs::remove_file(instance.place.control());
    }
    served
}

async fn serve_with(
    context: &Context,
    args: &ServeArgs,
    instance: Instance,
    door: &control::Opened,
) -> anyhow::Result<Exit> {
    let wanted = args.listen.or(instance.config.listen).unwrap_or_else(|| LISTEN.into());
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        Fault::unreachable(format!("{wanted} cannot be listened on: {error}; choose another with --listen"))
    })?;
    let listens = listener.local_addr()?;
    let base_url = args
        .base_url
        .clone()
        .or_else(|| instance.config.base_url.clone())
        .unwrap_or_else(|| format!("http://{}", reachable(listens)));
    let base_url = base_url.trim_end_matches('/').to_owned();

    let current = Current::default();
    let inbox = {
        let clock = Arc::clone(&instance.clock);
        inbox::Inbox::open_at(&instance.place.inbox(), move || clock.now()).await?
    };
    let desk = Arc::new(desk(&instance, &inbox, &current, &base_url, listens).await?);
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
        demo: instance.advances.is_some() && listens.ip().is_loopback(),
        secrets: server::Secrets::environment_or(instance.place.secrets()),
        ..server::Settings::default()
    });
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server::serve(app.clone(), listener, ended(stopped.clone())));
    door.serve(&desk);
    let following = tokio::spawn(follow(Arc::clone(&desk), stopped.clone()));
    let machine = machine(&desk)?;
    let working = tokio::spawn(worker::tickets::run(machine, instance.place.jobs(), stopped));
    patiently(&instance.place, async || tell(context, &desk, &app).await).await?;

    let mut serving = serving;
    tokio::select! {
        name = signalled() => tracing::info!("{name}: what is under way comes to its end"),
        failed = &mut serving => {
            // Served requests end only when told to: the listener broke.
            stop.send_replace(true);
            let _ = tokio::time::timeout(DRAIN_MAX, working).await;
            close(instance).await;
            failed.context("serving")?.context("the listener")?;
            return Ok(Exit::Unreachable);
        }
    }
    stop.send_replace(true);
    let drained = async {
        let _ = serving.await;
        let _ = working.await;
    };
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::warn!(
            "Draining took longer than {} s: the rest is due again at the next start",
            DRAIN_MAX.as_secs()
        );
    }
    following.abort();
    close(instance).await;
    Ok(Exit::Fine)
}

/// Loads what another node made live, and sends where another node said that messages go.
async fn follow(desk: Arc<Desk>, mut stopped: watch::Receiver<bool>) {
    let store = &desk.instance.store;
    let mut releases = store.watch_releases();
    // What is live now was loaded at the start.
    releases.mark_unchanged();
    let mut sending = store.sending_live().await.map(|live| live.is_some()).ok();
    let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
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

fn already_runs(context: &Context, error: anyhow::Error) -> anyhow::Error {
    let place = Place::of(&context.common);
    match control::door(&place) {
        Some(door) => Fault::refused(format!(
            "Tabi runs on {} already (process {}): use that one, stop it first, or name another folder with --data",
            place.folder().display(),
            door.pid
        ))
        .into(),
        None => error,
    }
}

/// An address that a browser can open.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let mut reachable = listens;
    if listens.ip().is_unspecified() {
        reachable.set_ip([127, 0, 0, 1].into());
    }
    reachable
}

async fn desk(
    instance: &Instance,
    inbox: &inbox::Inbox,
    current: &Current,
    base_url: &str,
    listens: SocketAddr,
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
    Ok(Desk {
        instance: instance.clone(),
        running: Some(Running {
            machine,
            released: Box::new(move |release| current.set(release)),
            inbox: ports,
            calls,
            base_url: base_url.to_owned(),
            listens: listens.to_string(),
            console: format!("http://{}", reachable(listens)),
            imports: server::import::Imports::default(),
        }),
    })
}

/// What has to be true before the first request: adapters, the live release, and what an earlier life left behind.
async fn start(context: &Context, desk: &Desk) -> anyhow::Result<()> {
    let store = &desk.instance.store;
    desk.choose_adapters().await?;
    if store.live_release().await?.is_none() {
        first_release(context, desk).await?;
    } else {
        desk.reload().await?;
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
    let by = super::who_am_i().unwrap_or_else(|| "tabi serve".to_owned());
    if let Err(problems) = desk.deploy(files.clone(), &by, "first start").await? {
        project::show(context.out, &files, &problems);
        context.out.say(format!("{}: the project is not deployed", project::counted(context.out, &problems)));
    }
    Ok(())
}

fn machine(desk: &Desk) -> anyhow::Result<Arc<Machine>> {
    desk.running.as_ref().map(|running| Arc::clone(&running.machine)).context("the machine runs here")
}

async fn tell(context: &Context, desk: &Desk, app: &App) -> anyhow::Result<()> {
    let out = context.out;
    let running = desk.running.as_ref().context("it runs here")?;
    let here = running.console.as_str();
    let setup = if app.settings.demo { None } else { server::console::setup_link(app, here).await? };
    let held = desk.instance.store.held();
    let live = desk.instance.store.sending_live().await?;
    out.json(&serde_json::json!({
        "listens": running.listens, "console": format!("{here}/console"), "setup": setup, "base_url": running.base_url,
        "sending_live": live.is_some(), "held": held.as_ref().map(|held| &held.reason), "pid": std::process::id(),
        "inbox_smtp": running.inbox.smtp, "inbox_http": running.inbox.http,
    }));
    out.line(format!("{}  {here}/console", out.either("Console", "管理画面")));
    if running.base_url != here {
        let beyond = out.either("From outside", "外部から");
        out.line(format!("{beyond}  {}/console", running.base_url));
    }
    if let Some(setup) = setup {
        out.line(format!("{}  {}", out.either("First login", "初回ログイン"), out.bold(&setup)));
    }
    if live.is_none() {
        out.line(out.either(
            "Nothing leaves this machine: messages go to the development inbox until `tabi go-live`.",
            "`tabi go-live` までは、メッセージはすべて開発用の受信箱に届き、外へは出ません。",
        ));
    }
    for (source, secret) in if app.settings.demo { Vec::new() } else { app.sources_without_secret() } {
        let file = desk.instance.place.secrets();
        let file = file.display();
        let en = format!(
            "Webhooks of {source} are refused: set {secret} in the environment, or as a line {secret}=… of {file}"
        );
        let ja = format!(
            "{source} のWebhookは受け付けられません。環境変数 {secret} を設定するか、{file} に「{secret}=…」の行を書いてください。"
        );
        out.line(out.either(&en, &ja));
    }
    if let Some(held) = held {
        out.line(out.red(&format!(
            "{}: {}. {}",
            out.either("Held", "保留中"),
            held.reason,
            out.either("`tabi resume --held` releases it.", "`tabi resume --held` で解除します。")
        )));
    }
    Ok(())
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

async fn close(instance: Instance) {
    let _ = std::fs::remove_file(instance.place.control());
    if let Err(error) = instance.store.put_business_clock(instance.now()).await
        && !matches!(error, StoreError::ReadOnly)
    {
        tracing::warn!("The clock could not be kept: {error}");
    }
    instance.close().await;
}
