//! Releases: what is live, and what was.

use super::Desk;
use crate::{exit::Fault, project};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use release::{Files, Release};
use serde_json::{Value, json};
use words::{Diagnostic, ReleaseId};

impl Desk {
    pub(super) async fn deploy_archive(&self, files: &str, by: &str, note: &str) -> anyhow::Result<Value> {
        let archive = STANDARD.decode(files)?;
        let files = release::files::unpack(&archive).ok_or_else(|| Fault::usage("the archive is damaged"))?;
        let (release, warnings, changed) = match self.deploy(files, by, note).await? {
            Ok(deployed) => deployed,
            Err(problems) if problems.iter().all(|problem| problem.severity == words::Severity::Warning) => {
                return Err(Fault::problem(format!(
                    "{} journeys of the project can never start; nothing was deployed (`tabi check` shows them)",
                    problems.len()
                ))
                .into());
            }
            Err(problems) => {
                return Err(Fault::problem(format!(
                    "the project has {} problems; nothing was deployed (`tabi check` shows them)",
                    problems.len()
                ))
                .into());
            }
        };
        Ok(json!({
            "release": release.id.to_string(), "changed": changed, "warnings": warnings.len(),
            "journeys": release.project.programs.keys().collect::<Vec<_>>(),
        }))
    }

    /// Checks, stores and makes live. The inner error: the project's problems; nothing was changed.
    pub(crate) async fn deploy(
        &self,
        files: Files,
        by: &str,
        note: &str,
    ) -> anyhow::Result<Result<(Release, Vec<Diagnostic>, bool), Vec<Diagnostic>>> {
        // What reads YAML and waits for a child must not keep requests waiting.
        let (release, problems) = tokio::task::spawn_blocking(move || project::check(files)).await??;
        let Some(release) = release else { return Ok(Err(problems)) };
        let (_, of_sources) = server::sources::compile(&release.files, &release.project.schema);
        if of_sources.iter().any(|problem| problem.severity == words::Severity::Error) {
            return Ok(Err(of_sources));
        }
        let store = &self.instance.store;
        let live = store.live_release().await?;
        let before = if live.is_some() { self.instance.release().await.ok() } else { None };
        let over = release.over_but_for(before.as_deref(), self.instance.now());
        if !over.is_empty() {
            return Ok(Err(over));
        }
        let changed = live.is_none_or(|live| live.release != release.id);
        if changed {
            self.may_go_out(&release).await?;
            worker::live::put(store, &release, by, note, self.instance.now()).await?;
            self.make_live(&release, by, "deploy").await?;
        }
        Ok(Ok((release, problems, changed)))
    }

    pub(crate) async fn rollback(&self, to: Option<ReleaseId>, by: &str) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let history = store.release_history(1000).await?;
        let live = history.first().map(|live| live.release);
        let before = || history.iter().map(|past| past.release).find(|release| Some(*release) != live);
        let Some(to) = to.or_else(before) else {
            return Err(Fault::problem("there is no earlier release to go back to").into());
        };
        if Some(to) == live {
            return Ok(json!({"release": to.to_string(), "changed": false}));
        }
        let archive = store.release_files(to).await?.ok_or_else(|| {
            Fault::problem(format!("there is no release {to}: `tabi rollback --list` shows those there are"))
        })?;
        let files = release::files::unpack(&archive)
            .ok_or_else(|| Fault::unreachable(format!("the stored release {to} cannot be read")))?;
        let (release, problems) = Release::again(files);
        let Some(release) = release else {
            return Err(Fault::problem(format!(
                "the release {to} no longer compiles with this version of Tabi ({} problems): deploy the project it came \
                 from again",
                problems.len()
            ))
            .into());
        };
        self.make_live(&release, by, "rollback").await?;
        Ok(json!({"release": to.to_string(), "changed": true}))
    }

    /// Makes a stored release live, here and in the tables, or changes nothing: what running it needs is loaded before the
    /// commit, and nothing comes after it that it could fail with.
    async fn make_live(&self, release: &Release, by: &str, action: &str) -> anyhow::Result<()> {
        let (store, now) = (&self.instance.store, self.instance.now());
        let ready = match &self.running {
            Some(_) => Some(worker::live::ready(store, release, now).await?),
            None => None,
        };
        worker::make_live(store, release, by, action, now).await?;
        if let Err(error) = worker::live::keep_compiled(store, release).await {
            // It is live; the next start takes longer, and that is all.
            tracing::warn!("The compiled release could not be kept: {error}");
        }
        if let (Some(running), Some(live)) = (&self.running, ready) {
            running.machine.set_live(live);
            running.tell_released();
        }
        Ok(())
    }
}
