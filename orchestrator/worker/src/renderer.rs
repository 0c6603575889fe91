//! Who renders: the bounded child in live runs, this very process where templates are trusted (stories, demo, checks).

use release::Release;
use render::{RenderError, RenderRequest, Rendered};
use std::{future::Future, pin::Pin, sync::Arc};

/// Answers in the order of the requests.
pub type Rendering<'a> = Pin<Box<dyn Future<Output = Vec<Result<Rendered, RenderError>>> + Send + 'a>>;

/// Renders messages of a release.
pub trait Renderer: Send + Sync {
    /// Renders a batch.
    fn render<'a>(&'a self, release: &'a Arc<Release>, requests: Vec<RenderRequest>) -> Rendering<'a>;
}

/// Renders in this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Renderer for InProcess {
    fn render<'a>(&'a self, release: &'a Arc<Release>, requests: Vec<RenderRequest>) -> Rendering<'a> {
        Box::pin(async move { requests.iter().map(|request| release.templates.render(request)).collect() })
    }
}
