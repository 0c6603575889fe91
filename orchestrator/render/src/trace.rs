//! Where a message was when it had to be given up.
//!
//! The template is rendered once more with a mark before each of its pieces; whoever watches hears of each mark that is
//! passed for the first time. The last one heard stands where the message did not come out of.

use crate::problems::Place;
use crate::request::RenderRequest;
use crate::scan::{Kind, Token, segments, tokens};
use crate::templates::{Message, Part, Templates};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use tera::{Kwargs, State, Tera, TeraResult, Value};
use words::{Channel, Locale};

/// The function that the marks call.
const MARK: &str = "__reached";

/// The message in one channel and locale alone, with marks.
pub(crate) fn marked(message: &Message, channel: &Channel, locale: &Locale) -> Message {
    let parts = message.channels.get(channel).and_then(|by_locale| by_locale.get(locale));
    let parts = parts.into_iter().flatten().enumerate().map(|(number, part)| {
        let mut template = String::with_capacity(part.template.len() * 2);
        for segment in segments(&part.template) {
            if matches!(segment.kind, Kind::Print | Kind::Tag) {
                template.push_str(&format!("{{{{ {MARK}(part={number}, at={}) }}}}", segment.span.start));
            }
            template.push_str(&part.template[segment.span.clone()]);
        }
        Part { template, origins: Vec::new(), ..part.clone() }
    });
    let channels = BTreeMap::from([(channel.clone(), BTreeMap::from([(locale.clone(), parts.collect())]))]);
    Message { channels, ..message.clone() }
}

/// Makes the marks known: each says once that it was reached.
pub(crate) fn register(tera: &mut Tera, reached: impl Fn(u32, u32) + Send + Sync + 'static) {
    let known: Mutex<BTreeSet<(usize, usize)>> = Mutex::default();
    tera.register_function(MARK, move |kwargs: Kwargs, _: &State<'_>| -> TeraResult<Value> {
        let (part, at) = (kwargs.must_get::<usize>("part")?, kwargs.must_get::<usize>("at")?);
        if known.lock().unwrap_or_else(PoisonError::into_inner).insert((part, at)) {
            reached(u32::try_from(part).unwrap_or(u32::MAX), u32::try_from(at).unwrap_or(u32::MAX));
        }
        Ok(Value::safe_string(""))
    });
}

/// The innermost loop around the last mark in the author's files, and that it is one; else the piece at the mark.
pub(crate) fn place(
    templates: &Templates,
    request: &RenderRequest,
    (number, at): (u32, u32),
) -> Option<(Place, bool)> {
    let message = templates.bundle.messages.get(&request.message)?;
    let locale = templates.pick(request.locale.as_ref());
    let part = message.channels.get(&request.channel)?.get(locale)?.get(usize::try_from(number).ok()?)?;
    let at = usize::try_from(at).ok()?;
    let mut around = Vec::new();
    for segment in segments(&part.template).iter().take_while(|segment| segment.span.start <= at) {
        let first = tokens(&part.template, segment.inner.clone());
        match first.first().and_then(Token::word).filter(|_| segment.kind == Kind::Tag) {
            Some("for") => around.push(segment.span.start),
            Some("endfor") if segment.span.start < at => drop(around.pop()),
            _ => {}
        }
    }
    let written = |at: usize| {
        let origin = part.origins.iter().find(|origin| origin.start <= at && at < origin.end)?;
        Some(Place::new(&origin.file, origin.span.0..origin.span.1))
    };
    match around.last() {
        Some(opened) => written(*opened).map(|place| (place, true)),
        None => written(at).map(|place| (place, false)),
    }
}
