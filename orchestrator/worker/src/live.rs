//! What is live: the release, its programs by number, and what steps share. Loaded from the store, swapped as a whole.

use crate::Programs;
use release::Release;
use std::{collections::BTreeMap, sync::Arc};
use store::planted::{Bug, planted};
use store::{Store, StoreError};
use words::{Diagnostic, Timestamp, Value};

/// The live release and everything derived from it.
#[derive(Debug, Clone)]
pub struct Live {
    /// The release.
    pub release: Arc<Release>,
    /// Programs by number.
    pub programs: Arc<Programs>,
    /// Items of all catalogues.
    pub items: Arc<Items>,
}

/// Items of all catalogues, in memory: catalogue → id → fields.
#[derive(Debug, Clone, Default)]
pub struct Items(pub BTreeMap<String, BTreeMap<String, BTreeMap<String, Value>>>);

impl engine::Items for Items {
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.0.get(catalog)?.get(id)
    }
}

/// Why nothing is live.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// No release was deployed yet.
    #[error("no release is live: deploy one with `tabi deploy`")]
    None,
    /// The stored files no longer compile: another version of Tabi made them.
    #[error("the live release {0} does not compile with this version of Tabi: deploy the project again")]
    Broken(String, Vec<Diagnostic>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Live {
    /// Loads what is live.
    pub async fn load(store: &Store) -> Result<Self, LiveError> {
        let live = store.live_release().await?.ok_or(LiveError::None)?;
        let (release, compiled_now) = load_release(store, live.release).await?;
        if compiled_now {
            // Of another version of Tabi, its programs may be other programs.
            let kept = async {
                put(store, &release, &live.by, "", live.at).await?;
                keep_compiled(store, &release).await
            };
            match kept.await {
                // Whoever only reads leaves it to whoever runs.
                Ok(()) | Err(StoreError::ReadOnly) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self::of(store, release).await?)
    }

    /// Of a release that is stored and live already.
    pub async fn of(store: &Store, release: Release) -> Result<Self, StoreError> {
        let mut programs = Programs::default();
        let hashes: Vec<&str> =
            release.project.programs.values().map(|program| program.hash.as_str()).collect();
        let numbers = store.program_numbers(&hashes).await?;
        for program in release.project.programs.values() {
            if let Some(number) = numbers.get(&program.hash) {
                programs.insert(*number, Arc::clone(program));
                programs.set_live(&program.journey, *number);
            }
        }
        for (number, _) in store.programs_in_use().await? {
            if programs.get(number).is_none()
                && !planted(Bug::TimerDroppedByRelease)
                && let Some(program) = store.program(number).await?
            {
                programs.insert(number, program);
            }
        }
        programs.known_since = known_since(store).await?;
        let mut items = Items::default();
        for catalog in release.project.schema.catalogs.keys() {
            items.0.insert(catalog.clone(), store.items(catalog).await?);
        }
        Ok(Self { release: Arc::new(release), programs: Arc::new(programs), items: Arc::new(items) })
    }
}

/// A stored release, as it was compiled where that is kept and good, and whether it had to be compiled now.
async fn load_release(store: &Store, id: words::ReleaseId) -> Result<(Release, bool), LiveError> {
    let archive = store.release_files(id).await?.ok_or_else(|| StoreError::NotFound(id.to_string()))?;
    let files = release::files::unpack(&archive).ok_or_else(|| StoreError::Corrupt(id.to_string()))?;
    drop(archive);
    let files = Arc::new(files);
    if let Some(bytes) = store.compiled(id).await?
        && let Some(release) = Release::from_compiled(&files, &bytes)
        && release.id == id
    {
        return Ok((release, false));
    }
    match Release::again(Arc::unwrap_or_clone(files)) {
        (Some(release), _) if release.id != id => Err(StoreError::Corrupt(id.to_string()).into()),
        (Some(release), _) => Ok((release, true)),
        (None, problems) => Err(LiveError::Broken(id.to_string(), problems)),
    }
}

/// Keeps a stored release as it was compiled, so that the next start need not compile it.
pub async fn keep_compiled(store: &Store, release: &Release) -> Result<(), StoreError> {
    store.put_compiled(release.id, release.to_compiled()).await
}

/// The setting that keeps [`Programs::known_since`].
const KNOWN_SINCE: &str = "known_since";

async fn known_since(store: &Store) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let text = store.setting(KNOWN_SINCE).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Stores a release, makes it live and has every customer looked at who may be concerned.
///
/// Segments that are new, or defined anew, are known from `now` on: whoever is in them already did not join. Schedules that
/// are new count from `now` on too, however long the look at everybody takes.
pub async fn deploy(
    store: &Store,
    release: &Release,
    by: &str,
    note: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    put(store, release, by, note, now).await?;
    make_live(store, release, by, "deploy", now).await
}

/// Stores a release and its programs; what is live stays as it is.
pub async fn put(
    store: &Store,
    release: &Release,
    by: &str,
    note: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let manifest = serde_json::json!({
        "journeys": release.project.programs.values().map(|p| (p.journey.clone(), p.hash.clone())).collect::<BTreeMap<_, _>>(),
        "messages": release.templates.catalog().messages.keys().collect::<Vec<_>>(),
        "locales": release.templates.catalog().locales,
        "packs": release.packs.set().hex(),
    });
    store
        .put_release(store::NewRelease {
            id: release.id,
            at: now,
            by: by.to_owned(),
            note: note.to_owned(),
            manifest: manifest.to_string(),
            files: release::files::pack(&release.files),
            programs: release.project.programs.values().cloned().collect(),
        })
        .await
}

/// Everything that running this stored release will need, so that nothing is left to fail once it is live.
pub async fn ready(store: &Store, release: &Release, now: Timestamp) -> Result<Live, StoreError> {
    know(store, release, now).await?;
    Live::of(store, release.clone()).await
}

/// Makes a stored release live, forwards or back.
pub async fn make_live(
    store: &Store,
    release: &Release,
    by: &str,
    action: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    know(store, release, now).await?;
    store.go_live(release.id, by, action, now).await
}

/// Writes down since when its segments and schedules are known; those known before stay as they are.
async fn know(store: &Store, release: &Release, now: Timestamp) -> Result<(), StoreError> {
    // Before there was anybody, everybody is new: joining a segment at the first look is joining it.
    let nobody_yet = store.live_release().await?.is_none() && store.totals(now).await?.customers == 0;
    let segments_from = if nobody_yet { Timestamp::from_micros(0) } else { now };
    let mut since = known_since(store).await?;
    for row in release.listeners.segment_rows.values() {
        since.entry(row.clone()).or_insert(segments_from);
    }
    for (_, row) in &release.listeners.timed_starts {
        since.entry(row.clone()).or_insert(now);
    }
    let since = serde_json::to_string(&since).unwrap_or_default();
    store.put_setting(KNOWN_SINCE, Some(&since)).await
}
