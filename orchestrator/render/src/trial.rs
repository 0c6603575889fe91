//! Probes in a child: what a template does to itself before a release is built costs the author a line and nobody a process.

use crate::frame::{Answer, Ask};
use crate::pool::{PoolOptions, Running, Silence};
use crate::probe::{Failed, Stop, requests_of};
use crate::request::{RenderError, RenderRequest};
use crate::templates::Templates;

/// Messages that are given up until nothing more is tried. Each costs what one may take, and the project is refused anyway.
const STOPS_MAX: usize = 8;

/// What failed, in the order of messages.
pub(crate) type Trial = Vec<(RenderRequest, Failed)>;

/// Probes every message, each probe within the limits of a live message.
///
/// # Errors
/// [`RenderError::Unavailable`] where the child cannot do it, whatever the templates are.
pub(crate) async fn run(templates: &Templates, options: &PoolOptions) -> Result<Trial, RenderError> {
    let mut found = Trial::new();
    let mut running = None;
    let mut stops = 0;
    for message in templates.messages() {
        let mut rest = requests_of(templates, message);
        while !rest.is_empty() {
            let child = match &mut running {
                Some(child) => child,
                none => none.insert(loaded(templates, options).await?),
            };
            let mut answered = 0;
            let ended = probe(child, templates, options, &rest, &mut answered, &mut found).await;
            let cpu_ms = match ended {
                Ok(()) => break,
                Err(Silence::Unavailable(reason)) => return Err(RenderError::Unavailable { reason }),
                Err(Silence::Time) => Some(u64::try_from(options.cpu_max.as_millis()).unwrap_or(u64::MAX)),
                Err(Silence::Broken | Silence::Gone) => None,
            };
            end(running.take()).await;
            let Some(culprit) = rest.get(answered).cloned() else { break };
            let reached = trace(templates, options, &culprit).await?;
            rest.drain(..=answered);
            // Its other values would do the same.
            rest.retain(|request| request.channel != culprit.channel);
            found.push((culprit, Failed::Stopped(Stop { cpu_ms, reached })));
            stops += 1;
            if stops == STOPS_MAX {
                return Ok(found);
            }
        }
    }
    end(running).await;
    Ok(found)
}

/// Ends a child, and waits until it is gone.
async fn end(running: Option<Running>) {
    if let Some(running) = running {
        running.end().await;
    }
}

/// A child that has the templates.
async fn loaded(templates: &Templates, options: &PoolOptions) -> Result<Running, RenderError> {
    let load = async {
        let mut child = Running::start(options)?;
        child.load(templates, options).await?;
        Ok(child)
    };
    load.await.map_err(|silence| RenderError::Unavailable {
        reason: match silence {
            Silence::Unavailable(reason) => reason,
            Silence::Time | Silence::Broken | Silence::Gone => {
                "the child did not take the templates".to_owned()
            }
        },
    })
}

async fn probe(
    child: &mut Running,
    templates: &Templates,
    options: &PoolOptions,
    requests: &[RenderRequest],
    answered: &mut usize,
    found: &mut Trial,
) -> Result<(), Silence> {
    let id = child.load(templates, options).await?;
    child.send(&Ask::Probe { id, cpu_max: options.cpu_max, requests: requests.to_vec() }).await?;
    for request in requests {
        match child.answer(options.patience()).await? {
            Answer::Probed(failed) => found.extend(failed.map(|failed| (request.clone(), failed))),
            _ => return Err(Silence::out_of_turn()),
        }
        *answered += 1;
    }
    Ok(())
}

/// How far a message comes that did not come to its end.
async fn trace(
    templates: &Templates,
    options: &PoolOptions,
    request: &RenderRequest,
) -> Result<Option<(u32, u32)>, RenderError> {
    let mut child = loaded(templates, options).await?;
    let (id, _) = templates.stored();
    let mut reached = None;
    let ask = Ask::Trace { id, cpu_max: options.cpu_max, request: Box::new(request.clone()) };
    if child.send(&ask).await.is_ok() {
        while let Ok(Answer::Reached(part, at)) = child.answer(options.patience()).await {
            reached = Some((part, at));
        }
    }
    child.end().await;
    Ok(reached)
}
