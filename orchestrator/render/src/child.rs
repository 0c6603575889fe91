//! The rendering child: a process that does nothing but render, within limits, and may be killed at any moment.

use crate::frame::{Answer, Ask, encode, length};
use crate::limits::Limits;
use crate::probe::{self, Failed};
use crate::request::{RenderError, RenderRequest, Rendered};
use crate::templates::Templates;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Releases kept: the live one, the one before, and a pinned one or two.
const RELEASES_MAX: usize = 4;

/// Answers until the input ends. `tabi render-child` calls this before it does anything else: no runtime, no threads.
///
/// # Errors
/// Where the parent is gone, or speaks another protocol.
pub fn child_main(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut limits = Limits::set()?;
    // What a template makes panic is answered as an error; a trace of it in the parent's log would help nobody.
    std::panic::set_hook(Box::new(|_| {}));
    let mut releases: VecDeque<([u8; 32], Templates)> = VecDeque::new();
    let mut buffer = Vec::new();
    while let Some(ask) = read(&mut input, &mut buffer)? {
        match ask {
            Ask::Load { id, bytes } => {
                let loaded = Templates::from_bytes(&bytes).map_err(|e| e.to_string()).map(|templates| {
                    releases.truncate(RELEASES_MAX - 1);
                    releases.push_front((id, templates));
                });
                answer(&mut output, &Answer::Loaded(loaded))?;
            }
            Ask::Render { id, cpu_max, requests } => {
                for request in requests {
                    let templates = releases.iter().find(|(known, _)| *known == id).map(|(_, t)| t);
                    let result = limits.within(cpu_max, || render(templates, &request))?;
                    answer(&mut output, &Answer::Rendered(Box::new(result)))?;
                }
            }
            Ask::Probe { id, cpu_max, requests } => {
                let templates = releases.iter().find(|(known, _)| *known == id).map(|(_, t)| t);
                for request in requests {
                    let look = |templates: &Templates| Ok(probe::look(templates, &request));
                    let failed = limits.within(cpu_max, || guarded(templates, &request, look))?;
                    let failed = failed.unwrap_or_else(|error| Some(Failed::Error(error)));
                    answer(&mut output, &Answer::Probed(failed))?;
                }
            }
            Ask::Trace { id, cpu_max, request } => {
                let templates = releases.iter().find(|(known, _)| *known == id).map(|(_, t)| t);
                let reached = |part, at| {
                    // Whoever does not hear it knows less, and nothing else.
                    let _ = answer(&mut io::stdout(), &Answer::Reached(part, at));
                };
                let trace = |templates: &Templates| templates.trace(&request, reached);
                let traced = limits.within(cpu_max, || guarded(templates, &request, trace))?;
                answer(&mut output, &Answer::Probed(traced.err().map(Failed::Error)))?;
            }
        }
    }
    Ok(())
}

fn render(templates: Option<&Templates>, request: &RenderRequest) -> Result<Rendered, RenderError> {
    guarded(templates, request, |templates| templates.render(request))
}

/// What `work` gives, or why it did not come to it.
fn guarded<T>(
    templates: Option<&Templates>,
    request: &RenderRequest,
    work: impl FnOnce(&Templates) -> Result<T, RenderError>,
) -> Result<T, RenderError> {
    let Some(templates) = templates else {
        return Err(RenderError::Unavailable {
            reason: "the child does not have these templates".to_owned(),
        });
    };
    catch_unwind(AssertUnwindSafe(|| work(templates))).unwrap_or_else(|_| {
        Err(RenderError::Template {
            place: format!("message `{}`", request.message),
            reason: "the template engine panicked".to_owned(),
        })
    })
}

fn read(input: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Ask>> {
    let mut head = [0; 4];
    match input.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = length(head).ok_or_else(|| io::Error::other("a frame is too large"))?;
    buffer.resize(length, 0);
    input.read_exact(buffer)?;
    postcard::from_bytes(buffer).map(Some).map_err(io::Error::other)
}

fn answer(output: &mut impl Write, answer: &Answer) -> io::Result<()> {
    output.write_all(&encode(answer).map_err(io::Error::other)?)?;
    output.flush()
}
