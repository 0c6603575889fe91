//! `tabi doctor`: what is wrong with this installation, and what to do about it.

use super::{
    Context,
    nodes::{place as place_of, steps_and_sends},
};
use crate::{
    config::Config,
    control::{self, Ask},
    exit::Exit,
    instance::Instance,
    output::Output,
    place::Place,
    project,
    voice::Voice,
};
use clap::Args;
use serde_json::{Value, json};
use server::console::label;
use std::cmp::Ordering;
use std::time::Duration;
use store::{Clock as _, StopScope, SystemClock};
use words::Language;

/// Look at the whole installation: files, keys, tables, providers, and what needs a person
///
/// Example: tabi doctor
///
/// Example: tabi doctor --providers
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Also connect to the configured mail relay and log in
    #[arg(long)]
    providers: bool,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Note,
    Bad,
}

/// What was looked at: its name for programs, and for people who read Japanese.
type What = (&'static str, &'static str);

const PROJECT: What = ("project", "プロジェクト");
const KEYS: What = ("keys", "鍵");
const FILES: What = ("files", "ファイル");
const SERVER: What = ("server", "サーバー");
const CONFIGURATION: What = ("configuration", "設定");
const PROVIDERS: What = ("providers", "送信事業者");
const RELAY: What = ("mail relay", "メールサーバー");
const DATABASE: What = ("database", "データベース");
const SIZE: What = ("size", "規模");
const RELEASE: What = ("release", "リリース");
const SENDING: What = ("sending", "送信");
const HELD: What = ("held", "保留");
const STOP: What = ("stop", "停止");
const CHANNEL: What = ("channel", "チャネル");
const NODES: What = ("nodes", "ノード");
const EXAMPLES: What = ("to fill in", "未記入");

struct Finding {
    what: What,
    health: Health,
    text: String,
}

/// What was found, in the reader's language.
struct Findings {
    out: Output,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, what: What, health: Health, text: impl Into<String>) {
        self.found.push(Finding { what, health, text: text.into() });
    }

    /// Something that fails.
    fn wrong(&mut self, what: What, error: &anyhow::Error) {
        self.add(what, Health::Bad, self.out.told(error));
    }

    /// One of two sentences, by language.
    fn say(&mut self, what: What, health: Health, en: impl Into<String>, ja: impl Into<String>) {
        let text = match self.out.language {
            Language::En => en.into(),
            Language::Ja => ja.into(),
        };
        self.add(what, health, text);
    }
}

pub(crate) async fn run(context: &Context, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let mut found = Findings { out, found: Vec::new() };
    let place = Place::of(&context.common);
    project_stands(context, &mut found);
    private(&place, &mut found);
    running(&place, &mut found).await;
    let config = Config::load(
        context.common.config.as_deref(),
        place.folder(),
        project::find(context.common.project.as_deref()).ok().as_deref(),
    );
    match &config {
        Ok(config) => {
            providers(config, args.providers, &mut found).await;
            examples(context, config, &mut found);
        }
        Err(error) => found.wrong(CONFIGURATION, error),
    }
    // Where the configuration is wrong, which is told above, the installation is not opened.
    if config.is_ok() {
        match place.is_there().await {
            Ok(true) => match Instance::read(context).await {
                Ok(instance) => tables(&instance, &mut found).await,
                Err(error) => found.wrong(DATABASE, &error),
            },
            Ok(false) if place.is_shared() => found.say(
                DATABASE,
                Health::Note,
                "empty: `tabi deploy` or `tabi serve` makes the tables".to_owned(),
                "まだ空です。`tabi deploy` か `tabi serve` で作られます".to_owned(),
            ),
            Ok(false) => {
                let folder = place.folder().display();
                found.say(
                    DATABASE,
                    Health::Note,
                    format!("none yet in {folder}"),
                    format!("{folder} にはまだありません"),
                );
            }
            Err(error) => found.wrong(DATABASE, &error.into()),
        }
    }
    let bad = found.found.iter().any(|finding| finding.health == Health::Bad);
    out.json(&json!({
        "healthy": !bad,
        "findings": found.found.iter().map(|finding| json!({
            "what": finding.what.0, "text": finding.text,
            "health": match finding.health { Health::Good => "good", Health::Note => "note", Health::Bad => "bad" },
        })).collect::<Vec<_>>(),
    }));
    for finding in &found.found {
        let mark = match finding.health {
            Health::Good => out.green("✓"),
            Health::Note => "·".to_owned(),
            Health::Bad => out.red("✗"),
        };
        let (en, ja) = finding.what;
        out.line(format!("{mark} {}{}{}", out.either(en, ja), out.either(": ", "："), finding.text));
    }
    Ok(if bad { Exit::Problems } else { Exit::Fine })
}

fn project_stands(context: &Context, found: &mut Findings) {
    let Ok(root) = project::find(context.common.project.as_deref()) else { return };
    if !project::is_project(&root) {
        found.say(PROJECT, Health::Note, "none in this folder", "このフォルダーにはありません");
        return;
    }
    match project::read(&root).and_then(project::check) {
        Err(error) => found.wrong(PROJECT, &error),
        Ok((release, problems)) => {
            let (errors, warnings) = project::count(&problems);
            match release {
                Some(release) => {
                    let (root, journeys) = (root.display(), release.project.programs.len());
                    found.say(
                        PROJECT,
                        if warnings > 0 { Health::Note } else { Health::Good },
                        format!("{root}: {journeys} journeys, {warnings} warnings"),
                        format!("{root}：ジャーニー {journeys} 件、警告 {warnings} 件"),
                    );
                }
                None => found.say(
                    PROJECT,
                    Health::Bad,
                    format!("{errors} errors: `tabi check` shows them"),
                    format!("エラー {errors} 件：`tabi check` で確認できます"),
                ),
            }
        }
    }
}

/// Keys and doors are their owner's alone.
fn private(place: &Place, found: &mut Findings) {
    #[cfg(unix)]
    for path in [place.root_key(), place.keys(), place.control()] {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(about) = std::fs::metadata(&path) else { continue };
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            found.say(
                KEYS,
                Health::Bad,
                format!("others may read {path} (mode {mode:03o}): chmod 600 {path}"),
                format!("{path} をほかの利用者も読めます（モード {mode:03o}）：chmod 600 {path}"),
            );
        }
    }
    #[cfg(unix)]
    if let Some((open, mend)) = open_to_others(place) {
        found.say(
            FILES,
            Health::Bad,
            format!("others may read {open}, which are about people: {mend}"),
            format!("お客様の情報を含む {open} を、ほかの利用者も読めます：{mend}"),
        );
    }
    let _ = (place, found);
}

/// Databases and records whose mode lets others read them, as an earlier version made them, and the command that mends it.
#[cfg(unix)]
fn open_to_others(place: &Place) -> Option<(String, String)> {
    use std::os::unix::fs::PermissionsExt as _;
    let told = [place.root_key(), place.keys(), place.control()];
    let mut open = Vec::new();
    for entry in std::fs::read_dir(place.folder()).ok()?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let about_people = name.contains(".db") || name == "secrets" || name.ends_with(".jsonl");
        let Ok(about) = std::fs::metadata(&path) else { continue };
        let mode = about.permissions().mode() & 0o777;
        if about_people && about.is_file() && mode & 0o077 != 0 && !told.contains(&path) {
            open.push((name, mode, path));
        }
    }
    open.sort();
    let names: Vec<String> = open.iter().map(|(name, mode, _)| format!("{name} (mode {mode:03o})")).collect();
    let paths: Vec<String> = open.iter().map(|(.., path)| path.display().to_string()).collect();
    (!open.is_empty()).then(|| (names.join(", "), format!("chmod 600 {}", paths.join(" "))))
}

async fn running(place: &Place, found: &mut Findings) {
    match control::ask_running(place, &Ask::Status, &|_| {}).await {
        Ok(Some(status)) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let runs = &status["running"];
            let other = status["version"] != env!("CARGO_PKG_VERSION");
            let (console, pid) = (&runs["console"], &runs["pid"]);
            let restart = [", of another version: restart it", "。別の版です。再起動してください"];
            let [en, ja] = if other { restart } else { ["", ""] };
            let health = if other { Health::Note } else { Health::Good };
            if console.is_null() {
                found.say(
                    SERVER,
                    health,
                    format!("a worker runs (process {pid}){en}"),
                    format!("ワーカーが動作中（プロセス {pid}）{ja}"),
                );
            } else {
                let console = text(console);
                found.say(
                    SERVER,
                    health,
                    format!("runs, console on {console} (process {pid}){en}"),
                    format!("動作中、管理画面は {console}（プロセス {pid}）{ja}"),
                );
            }
            if let Some(path) = status["changed"].as_str() {
                found.say(
                    CONFIGURATION,
                    Health::Note,
                    format!(
                        "{path} was changed after `tabi serve` started: restart it, then the change holds"
                    ),
                    format!("`tabi serve` の起動後に {path} が変わりました。再起動すると反映されます"),
                );
            }
        }
        Ok(None) => found.say(SERVER, Health::Note, "nothing runs", "動いていません"),
        Err(error) => found.wrong(SERVER, &error),
    }
}

async fn providers(config: &Config, connect: bool, found: &mut Findings) {
    match crate::adapters::providers(config, config.base_url.as_deref().unwrap_or_default()) {
        Err(error) => found.wrong(PROVIDERS, &error),
        Ok(adapters) if adapters.is_empty() => {
            found.say(
                PROVIDERS,
                Health::Note,
                "none configured: name them in tabi.yaml before `tabi go-live`",
                "未設定です。`tabi go-live` の前に tabi.yaml に書いてください",
            );
        }
        Ok(adapters) => {
            let names: Vec<String> = adapters
                .iter()
                .map(|(channel, adapter)| {
                    let channel = label(found.out.language, "channel", channel.as_str());
                    format!("{channel} ({})", adapter.provider())
                })
                .collect();
            found.add(PROVIDERS, Health::Good, names.join(", "));
        }
    }
    if let (true, Some(email)) = (connect, &config.email) {
        match crate::adapters::smtp(config, email) {
            Err(error) => found.wrong(RELAY, &error),
            Ok(smtp) => match smtp.probe(Duration::from_secs(20)).await {
                Ok(()) => {
                    found.say(RELAY, Health::Good, "connected and logged in", "接続とログインに成功しました")
                }
                Err(outcome) => {
                    found.add(RELAY, Health::Bad, found.out.error_words(control::refusal(&outcome)))
                }
            },
        }
    }
}

/// What `tabi init` wrote to be filled in, and stands there still.
fn examples(context: &Context, config: &Config, found: &mut Findings) {
    let root = project::find(context.common.project.as_deref()).ok().filter(|root| project::is_project(root));
    let files = root.and_then(|root| project::read(&root).ok());
    let release = files.and_then(|files| release::Release::again(files).0);
    let places = control::placeholders(config, release.as_ref());
    if places.is_empty() {
        return;
    }
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    let list = places.join("\n    ");
    found.say(
        EXAMPLES,
        Health::Note,
        format!("these are examples, `tabi go-live` wants your own:\n    {list}"),
        format!("次は記入例のままです。`tabi go-live` の前に書き換えてください：\n    {list}"),
    );
}

/// What a stop stops.
fn scope(voice: &Voice, scope: &StopScope) -> String {
    let either = |en: String, ja: String| if voice.out.language == Language::Ja { ja } else { en };
    match scope {
        StopScope::All => voice.word("stop-all"),
        StopScope::Journey(name) => {
            let name = voice.titles.journey_named(name);
            either(format!("journey {name}"), format!("ジャーニー {name}"))
        }
        StopScope::Channel(name) => either(format!("channel {name}"), format!("チャネル {name}")),
        StopScope::Purpose(name) => {
            let title = voice.titles.purpose(name);
            either(format!("purpose {title}"), format!("目的 {title}"))
        }
    }
}

async fn tables(instance: &Instance, found: &mut Findings) {
    let store = &instance.store;
    let voice = Voice::of(found.out, instance).await;
    match store.check().await {
        Ok(problems) if problems.is_empty() => found.say(DATABASE, Health::Good, "whole", "破損なし"),
        Ok(problems) => found.add(DATABASE, Health::Bad, problems.join("; ")),
        Err(error) => found.wrong(DATABASE, &error.into()),
    }
    if let Ok(options) = instance.place.options()
        && let Ok((there, known)) = options.schema().await
    {
        match there.cmp(&known) {
            Ordering::Equal => {}
            Ordering::Less => found.say(
                DATABASE,
                Health::Note,
                format!("its tables are of schema {there}, this release makes {known}: `tabi migrate`, or the next start"),
                format!("テーブルはスキーマ {there} です。「tabi migrate」か次の起動で {known} になります"),
            ),
            Ordering::Greater => found.say(
                DATABASE,
                Health::Note,
                format!("its tables are of schema {there}, which a newer release made; this one knows {known} and goes on"),
                format!("テーブルは新しい版のスキーマ {there} です。この版（{known}）も引き続き使えます"),
            ),
        }
    }
    if let Ok(totals) = store.totals(instance.now()).await {
        let store::Totals { customers, steps_due, sends_due, sends_waiting, next_send, bytes } = totals;
        let mib = bytes >> 20;
        let (en, ja) = match next_send {
            Some(next) => {
                let next = voice.at(next);
                (
                    format!(" ({sends_waiting} more wait, the first until {next})"),
                    format!("（ほかに {sends_waiting} 件が待機中、次の確認は {next}）"),
                )
            }
            None => (String::new(), String::new()),
        };
        found.say(
            SIZE,
            Health::Good,
            format!("{customers} customers, {steps_due} due, {sends_due} deliveries due{en}, {mib} MiB"),
            format!("お客様 {customers} 名、処理待ち {steps_due} 名、配信待ち {sends_due} 件{ja}、{mib} MiB"),
        );
    }
    match store.live_release().await {
        Ok(Some(live)) => {
            let (id, at, by) = (live.release, voice.at(live.at), &live.by);
            found.say(
                RELEASE,
                Health::Good,
                format!("{id} since {at} by {by}"),
                format!("{id}（{at}、{by}）"),
            );
        }
        Ok(None) => found.say(
            RELEASE,
            Health::Note,
            "nothing is deployed: `tabi deploy`",
            "まだデプロイされていません：`tabi deploy`",
        ),
        Err(error) => found.wrong(RELEASE, &error.into()),
    }
    match store.sending_live().await {
        Ok(Some(live)) => {
            let (at, by) = (voice.at(live.at), &live.by);
            found.say(
                SENDING,
                Health::Good,
                format!("live since {at} by {by}"),
                format!("本番中（{at}、{by} が開始）"),
            );
        }
        Ok(None) => found.say(
            SENDING,
            Health::Note,
            "nothing leaves this machine: `tabi go-live`",
            "このマシンの外には何も送信されません：`tabi go-live`",
        ),
        Err(error) => found.wrong(SENDING, &error.into()),
    }
    if instance.place.is_shared() {
        nodes(instance, found).await;
    }
    for (channel, wait) in store.waiting_channels().await.unwrap_or_default() {
        let health = match wait {
            channel::pace::Wait::Paused(_) => Health::Bad,
            _ => Health::Note,
        };
        let why = wait.words();
        let why = words::calendar::retold(why.get(found.out.language), &voice.zone).into_owned();
        found.add(CHANNEL, health, format!("{}: {why}", voice.label("channel", channel.as_str())));
    }
    let troubles = match store.troubles(100).await {
        Ok(troubles) => troubles,
        Err(error) => return found.wrong(DATABASE, &error.into()),
    };
    if let Some(held) = &troubles.held {
        let sealed = matches!(store.setting(store::MOVED_TO).await, Ok(Some(_)));
        let way_out = if sealed { "tabi move --take-back" } else { "tabi resume --held" };
        found.add(HELD, Health::Bad, format!("{}: `{way_out}`", held.reason));
    }
    for stop in &troubles.stops {
        let what = scope(&voice, &stop.scope);
        let (at, by, reason) = (voice.at(stop.at), &stop.by, &stop.reason);
        found.say(
            STOP,
            Health::Note,
            format!("{what}, since {at} by {by}: {reason}"),
            format!("{what}（{at}、{by}）：{reason}"),
        );
    }
    let counts = [
        (("deliveries of unknown outcome", "結果不明の配信"), troubles.unknown.len(), Health::Bad),
        (("quarantined deliveries", "隔離された配信"), troubles.quarantined.len(), Health::Bad),
        (("rejected items", "取り込めなかったもの"), troubles.rejected.len(), Health::Note),
        (("events nobody declared", "未定義のイベント"), troubles.unknown_events.len(), Health::Note),
        (("notices not seen", "未確認のお知らせ"), troubles.notices.len(), Health::Note),
    ];
    for (what, count, health) in counts {
        if count > 0 {
            let [en, ja] = if count >= 100 { [" or more", "以上"] } else { ["", ""] };
            found.say(
                what,
                health,
                format!("{count}{en}: see the console"),
                format!("{count} 件{ja}：管理画面で確認してください"),
            );
        }
    }
}

/// Nodes that share a database: whether any of them works, and which are silent.
async fn nodes(instance: &Instance, found: &mut Findings) {
    let nodes = match instance.store.nodes(SystemClock.machine_now()).await {
        Ok(nodes) => nodes,
        Err(error) => return found.wrong(NODES, &error.into()),
    };
    let working = nodes.iter().filter(|node| steps_and_sends(node)).count();
    let silent: Vec<String> = nodes.iter().filter(|node| node.is_silent()).map(place_of).collect();
    let heard = nodes.len() - silent.len();
    if heard > 0 && working == 0 {
        found.say(
            NODES,
            Health::Bad,
            "nobody steps and sends: start `tabi worker`, or `tabi serve` without --no-worker",
            "ステップと送信を行うノードがありません。「tabi worker」か、--no-worker を付けない「tabi serve」を起動してください",
        );
    } else if heard > 0 {
        found.say(
            NODES,
            Health::Good,
            format!("{heard} at work, {working} of them step and send"),
            format!("{heard} 台が動作中（うち {working} 台がステップと送信を担当）"),
        );
    }
    if !silent.is_empty() {
        let list = silent.join(", ");
        found.say(
            NODES,
            Health::Note,
            format!("silent: {list}; `tabi nodes` says since when"),
            format!("応答なし：{list}。「tabi nodes」で最後の応答を確認できます"),
        );
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_database_that_others_may_read_is_named_with_what_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path.display().to_string()
        };
        let place = Place::at(folder.path());
        let (wal, db) = (put("tabi.db-wal", 0o640), put("tabi.db", 0o644));
        put("inbox.db", 0o600);
        put("tabi.witness", 0o644);
        let (open, mend) = open_to_others(&place).unwrap();
        assert_eq!(open, "tabi.db (mode 644), tabi.db-wal (mode 640)");
        assert_eq!(mend, format!("chmod 600 {db} {wal}"));
        put("tabi.db", 0o600);
        put("tabi.db-wal", 0o600);
        assert_eq!(open_to_others(&place), None);
    }
}
