//! Live renders, in child processes of our own program with limits.

use release::Release;
use render::{Pool, RenderRequest};
use std::sync::Arc;
use worker::{Renderer, Rendering};

/// Renders in children.
#[derive(Debug)]
pub(crate) struct Children(pub(crate) Pool);

impl Renderer for Children {
    fn render<'a>(&'a self, release: &'a Arc<Release>, requests: Vec<RenderRequest>) -> Rendering<'a> {
        Box::pin(async move {
            if requests.is_empty() {
                return Vec::new();
            }
            self.0.render(&release.templates, &requests).await
        })
    }
}
