//! The pages of `tabi preview`: every message on every channel, in every language, with every sample.

mod page;

use crate::project;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use release::Files;
use render::Templates;
use std::{
    path::{Path as FilePath, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};
use words::{Diagnostic, Language};

/// The project as it lies on disk, compiled anew whenever a file changes.
#[derive(Clone)]
pub(crate) struct Gallery(Arc<Inner>);

struct Inner {
    root: PathBuf,
    language: Language,
    built: Mutex<Built>,
}

/// What the files gave last.
#[derive(Default)]
struct Built {
    stamp: u64,
    files: Files,
    /// The last that compiled.
    templates: Option<Arc<Templates>>,
    problems: Vec<Diagnostic>,
}

/// What a page shows.
pub(crate) struct Shown {
    pub(crate) stamp: u64,
    pub(crate) language: Language,
    pub(crate) templates: Option<Arc<Templates>>,
    /// Problems as text, as `tabi check` shows them.
    pub(crate) problems: Vec<String>,
}

impl Gallery {
    /// Of the project at `root`.
    pub(crate) fn new(root: PathBuf, language: Language) -> Self {
        Self(Arc::new(Inner { root, language, built: Mutex::default() }))
    }

    /// The pages.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(first))
            .route("/m/{message}", get(message))
            .route("/version", get(version))
            .layer(from_fn(only_here))
            .with_state(self)
    }

    /// Looks at the files, and compiles them where they changed.
    fn look(&self) -> Shown {
        let mut built = self.0.built.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.0.root);
        if stamp != built.stamp || built.templates.is_none() {
            match release::files::read(&self.0.root) {
                Ok(files) => {
                    match compile(&files) {
                        Ok((templates, problems)) => {
                            built.problems = problems;
                            built.templates = templates.map(Arc::new).or_else(|| built.templates.take());
                        }
                        Err(error) => tracing::warn!("{error:#}"),
                    }
                    built.files = files;
                }
                Err(error) => tracing::warn!("The project cannot be read: {error}"),
            }
            built.stamp = stamp;
        }
        let language = self.0.language;
        let problems = built
            .problems
            .iter()
            .map(|problem| problem.render(&project::source(&built.files, &problem.file), language, false))
            .collect();
        Shown { stamp, language, templates: built.templates.clone(), problems }
    }
}

/// The templates alone; every message is tried within limits, so that what is shown comes to an end.
fn compile(files: &Files) -> anyhow::Result<(Option<Templates>, Vec<Diagnostic>)> {
    let (templates, mut problems) = render::compile_untried(files);
    let tried = templates
        .as_ref()
        .map(|templates| templates.try_in_child(&project::trials()?).map_err(project::untried));
    problems.extend(tried.transpose()?.unwrap_or_default());
    problems.extend(templates.iter().flat_map(|templates| release::unasked(files, templates)));
    let good = project::count(&problems).0 == 0;
    Ok((templates.filter(|_| good), problems))
}

/// Changes whenever a file of the project is saved, made or taken away.
fn stamp(root: &FilePath) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    fn walk(folder: &FilePath, hash: &mut DefaultHasher) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            path.hash(hash);
            let Ok(about) = path.symlink_metadata() else { continue };
            if about.is_dir() {
                walk(&path, hash);
            } else {
                about.len().hash(hash);
                about.modified().unwrap_or(SystemTime::UNIX_EPOCH).hash(hash);
            }
        }
    }
    let mut hash = DefaultHasher::new();
    walk(&root.join("templates"), &mut hash);
    // 53 bits: the page compares it as a number.
    hash.finish() >> 11
}

async fn first(State(gallery): State<Gallery>) -> Response {
    let shown = gallery.look();
    let message = shown.templates.as_ref().and_then(|t| t.catalog().messages.into_keys().next());
    match message {
        Some(message) if shown.problems.is_empty() => Redirect::to(&format!("/m/{message}")).into_response(),
        _ => Html(page::page(&shown, "")).into_response(),
    }
}

async fn message(State(gallery): State<Gallery>, Path(message): Path<String>) -> Response {
    let shown = gallery.look();
    let known = shown.templates.as_ref().is_some_and(|t| t.catalog().messages.contains_key(&message));
    let status = if known { StatusCode::OK } else { StatusCode::NOT_FOUND };
    (status, Html(page::page(&shown, &message))).into_response()
}

async fn version(State(gallery): State<Gallery>) -> String {
    stamp(&gallery.0.root).to_string()
}

/// Nobody but a browser that means this machine: a foreign page cannot read along by a name that resolves to it.
async fn only_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return (StatusCode::MISDIRECTED_REQUEST, "The preview answers to this machine's own name alone.\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
