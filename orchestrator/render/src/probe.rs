//! Renders every message with values made up from its declared types and with its samples, before a release is built.
//!
//! What a type allows, a customer will have: every optional value present and absent, lists of none, one and two, every
//! choice, both truths. A template that fails on one of them fails here, at its line.

use crate::brand::Brand;
use crate::declare::Input;
use crate::problems::{Place, Problems};
use crate::request::{Links, RenderError, RenderRequest};
use crate::scope::MARK;
use crate::templates::{OUTPUT_MAX, Templates};
use crate::trace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Currency, Elapsed, Locale, Money, Text, Timestamp, Type, Value};

/// Probes of one message and locale, at most.
const PROBES_MAX: usize = 80;

/// How a probe fills what is optional, lists, choices and truths; `turn` varies them one at a time.
#[derive(Clone, Copy)]
struct Plan {
    present: bool,
    items: usize,
    flag: bool,
    choice: usize,
}

/// Why a probe failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Failed {
    /// It does not render.
    Error(RenderError),
    /// A typed value was glued to other text with `~` and can no longer be written out.
    Glued,
    /// It did not come to an end, see [`crate::trial`].
    Stopped(Stop),
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stop {
    /// Which bound: CPU time in milliseconds, or else memory.
    pub(crate) cpu_ms: Option<u64>,
    /// How far it came: the number of the part, and where in its template.
    pub(crate) reached: Option<(u32, u32)>,
}

/// Probes everything in this process, for as long as it takes.
pub(crate) fn here(templates: &Templates, problems: &mut Problems) {
    for message in templates.messages() {
        for request in requests_of(templates, message) {
            if let Some(failed) = look(templates, &request) {
                tell(templates, &request, &failed, problems);
            }
        }
    }
}

/// What is tried of a message: made up values and its samples, on every channel and in every locale.
pub(crate) fn requests_of(templates: &Templates, name: &str) -> Vec<RenderRequest> {
    let mut out = Vec::new();
    let Some(message) = templates.bundle.messages.get(name) else { return out };
    let filled = requests(&message.inputs, &templates.bundle.brand);
    for (channel, by_locale) in &message.channels {
        for locale in by_locale.keys() {
            let full = *locale == templates.bundle.brand.default_locale;
            let enough = if full { filled.len() } else { 3 };
            for (inputs, customer) in filled.iter().take(enough) {
                out.push(request(name, channel, locale, inputs.clone(), customer.clone()));
            }
            for given in message.samples.values() {
                let mut request =
                    request(name, channel, locale, given.inputs.clone(), given.customer.clone());
                request.zone.clone_from(&given.zone);
                out.push(request);
            }
        }
    }
    out
}

/// The request of a probe or a preview.
pub(crate) fn request(
    message: &str,
    channel: &words::Channel,
    locale: &Locale,
    inputs: BTreeMap<String, Value>,
    customer: BTreeMap<String, Value>,
) -> RenderRequest {
    RenderRequest {
        message: message.to_owned(),
        channel: channel.clone(),
        locale: Some(locale.clone()),
        inputs,
        customer,
        links: Links {
            unsubscribe_url: "https://example.invalid/u/sample".to_owned(),
            preferences_url: "https://example.invalid/p/sample".to_owned(),
            view_url: "https://example.invalid/v/sample".to_owned(),
            survey_url: "https://example.invalid/s/sample".to_owned(),
        },
        // 2026-11-21T03:00:00Z: the same in every run, so that previews and tests do not move.
        now: Timestamp::from_secs(1_795_230_000),
        zone: None,
    }
}

/// Renders once; says what is wrong with that.
pub(crate) fn look(templates: &Templates, request: &RenderRequest) -> Option<Failed> {
    match templates.render(request) {
        Ok(rendered) => {
            let raw = serde_json::to_string(&rendered.content).unwrap_or_default();
            raw.contains(MARK).then_some(Failed::Glued)
        }
        Err(error) => Some(Failed::Error(error)),
    }
}

/// The problem that a failed probe is.
pub(crate) fn tell(templates: &Templates, request: &RenderRequest, failed: &Failed, problems: &mut Problems) {
    let error = match failed {
        Failed::Error(error) => error,
        Failed::Glued => return glued(templates, request, problems),
        Failed::Stopped(stop) => return stopped(templates, request, stop, problems),
    };
    match error {
        RenderError::Template { place, reason } => report(templates, request, place, reason, problems),
        RenderError::Bound { .. } => {
            problems.error(
                "T047",
                &whole(request),
                Text::new(
                    format!(
                        "`{}` writes more than {} KiB on {}",
                        request.message,
                        OUTPUT_MAX / 1024,
                        request.channel
                    ),
                    format!(
                        "「{}」の {} の出力が{}KiBを超えます",
                        request.message,
                        request.channel,
                        OUTPUT_MAX / 1024
                    ),
                ),
                Text::new("this message", "このメッセージ"),
                Text::new("look for a loop that prints too much", "出力の多いループを見直してください"),
            );
        }
        RenderError::Input { .. } | RenderError::Missing { .. } | RenderError::Unavailable { .. } => {}
    }
}

/// The place of what is known to be wrong in a message, and no nearer.
fn whole(request: &RenderRequest) -> Place {
    Place::new(format!("templates/{}/message.yaml", request.message), 0..0)
}

/// A message that had to be given up: at the loop that it did not come out of, or at the piece that it stood before.
fn stopped(templates: &Templates, request: &RenderRequest, stop: &Stop, problems: &mut Problems) {
    let found = stop.reached.and_then(|reached| trace::place(templates, request, reached));
    let (place, label) = match found {
        Some((place, true)) => (place, Text::new("it was in this loop", "このループの中でした")),
        Some((place, false)) => (place, Text::new("it was here", "ここを処理している間でした")),
        None => (whole(request), Text::new("this message", "このメッセージ")),
    };
    let title = match stop.cpu_ms {
        Some(ms) => Text::new(
            format!("this message takes more than {ms} ms to write and was stopped"),
            format!("メッセージの作成が {ms} ミリ秒を超えたため、打ち切りました"),
        ),
        None => Text::new(
            "this message takes more memory than a message may, and was stopped",
            "メッセージの作成に必要なメモリーが上限を超えたため、打ち切りました",
        ),
    };
    problems.error(
        "T048",
        &place,
        title,
        label,
        Text::new(
            "loop over what the journey gives, a few dozen items at most, and not in loops of loops",
            "ループはジャーニーから渡される数十件までのリストにとどめ、何重にも重ねないでください",
        ),
    );
}

/// A typed value was glued to other text with `~` and can no longer be written out.
fn glued(templates: &Templates, request: &RenderRequest, problems: &mut Problems) {
    let message = templates.bundle.messages.get(&request.message);
    let by_locale = message.and_then(|m| m.channels.get(&request.channel));
    let parts = by_locale.and_then(|l| l.values().next());
    let found = parts.into_iter().flatten().flat_map(|p| p.origins.iter().map(move |o| (p, o))).find(
        |(part, origin)| {
            part.template
                .get(origin.start..origin.end)
                .is_some_and(|text| text.contains(" ~ ") || text.contains("join"))
        },
    );
    let place = found
        .map_or_else(|| whole(request), |(_, origin)| Place::new(&origin.file, origin.span.0..origin.span.1));
    problems.error(
        "T027",
        &place,
        Text::new(
            "an amount, a date or a time is put together with other text before it is written",
            "金額や日時が、書式を整える前に他の文字列とつながれています",
        ),
        Text::new("here", "ここ"),
        Text::new(
            "write it with its filter first: total | money ~ \"…\", or use t() with an argument",
            "先に total | money のようにフィルターを付けるか、t() の引数として渡してください",
        ),
    );
}

fn report(
    templates: &Templates,
    request: &RenderRequest,
    place: &str,
    reason: &str,
    problems: &mut Problems,
) {
    let place = place_of(templates, place).unwrap_or_else(|| whole(request));
    let name = reason.split('`').nth(1).unwrap_or("").to_owned();
    let absent = reason.starts_with("Variable `")
        || reason.starts_with("Field `")
        || reason.contains("value is absent")
        || reason.contains("variable that is undefined")
        || reason.contains("undefined");
    if absent {
        let name = if reason.contains("value is absent") || name.is_empty() {
            "this value".to_owned()
        } else {
            format!("`{name}`")
        };
        let ja = if name == "this value" { "この値".to_owned() } else { name.replace('`', "") };
        let place = narrowed(templates, &place, name.trim_matches('`'));
        problems.error(
            "T013",
            &place,
            Text::new(format!("{name} may be absent here"), format!("ここでは「{ja}」がないことがあります")),
            Text::new("fails for a customer without it", "ない場合に送れません"),
            Text::new(
                "put it inside {% if … %}…{% endif %}, or write | default(value=\"…\")",
                "{% if … %}…{% endif %} で囲むか、| default(value=\"…\") を付けてください",
            ),
        );
        return;
    }
    if problems.has_error_within(&place) {
        return;
    }
    problems.error(
        "T028",
        &place,
        crate::japanese::because(
            "this fails with a value that the inputs allow",
            "宣言どおりの入力でも、値によっては失敗します",
            reason,
        ),
        Text::new("here", "ここ"),
        Text::new(
            "check the filter against the input's type in message.yaml",
            "message.yaml の入力の型とフィルターが合っているか確かめてください",
        ),
    );
}

/// The name inside the place, where it stands there alone.
fn narrowed(templates: &Templates, place: &Place, name: &str) -> Place {
    let Some(source) = templates.bundle.sources.get(&place.file) else { return place.clone() };
    let Some(text) = source.get(place.span.clone()) else { return place.clone() };
    let found = text.match_indices(name).find(|(at, _)| {
        let before = text[..*at].chars().last();
        let after = text[at + name.len()..].chars().next();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !name.is_empty() && !part(before) && !part(after)
    });
    match found {
        Some((at, _)) => Place::new(&place.file, place.span.start + at..place.span.start + at + name.len()),
        None => place.clone(),
    }
}

/// From `file:line:column` to the piece that begins there.
fn place_of(templates: &Templates, shown: &str) -> Option<Place> {
    let mut parts = shown.rsplitn(3, ':');
    let column: usize = parts.next()?.parse().ok()?;
    let line: usize = parts.next()?.parse().ok()?;
    let file = parts.next()?;
    let source = templates.bundle.sources.get(file)?;
    let start_of_line: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let offset: usize = source[start_of_line..].chars().take(column - 1).map(char::len_utf8).sum();
    let start = start_of_line + offset;
    let all = templates
        .bundle
        .messages
        .values()
        .flat_map(|m| m.channels.values())
        .flat_map(|l| l.values())
        .flatten();
    let origin = all.flat_map(|p| &p.origins).find(|o| o.file == file && o.span.0 == start)?;
    Some(Place::new(file, origin.span.0..origin.span.1))
}

type Filled = (BTreeMap<String, Value>, BTreeMap<String, Value>);

/// The values to try: all there; nothing optional; one item; then each input alone absent, each choice, each truth.
fn requests(inputs: &BTreeMap<String, Input>, brand: &Brand) -> Vec<Filled> {
    let full = Plan { present: true, items: 2, flag: true, choice: 0 };
    let bare = Plan { present: false, items: 0, flag: false, choice: usize::MAX };
    let single = Plan { items: 1, choice: 1, ..full };
    let currency = brand.currency;
    let all = |plan: Plan| -> BTreeMap<String, Value> {
        inputs
            .iter()
            .filter(|(_, input)| plan.present || input.required)
            .map(|(name, input)| (name.clone(), fill(&input.ty, plan, currency)))
            .collect()
    };
    let known: BTreeMap<String, Value> =
        brand.customer.values().map(|t| (t.clone(), Value::Text("Ann \"<b>\" 花".to_owned()))).collect();
    let mut out =
        vec![(all(full), known.clone()), (all(bare), BTreeMap::new()), (all(single), known.clone())];
    for (name, input) in inputs {
        if !input.required {
            let mut without = all(full);
            without.remove(name);
            out.push((without, known.clone()));
            let mut only = all(bare);
            only.insert(name.clone(), fill(&input.ty, full, currency));
            out.push((only, BTreeMap::new()));
        }
        let variants: Vec<Value> = match &input.ty {
            Type::Bool => vec![Value::Bool(false)],
            Type::OneOf(texts) => texts.iter().map(|t| Value::Text(t.clone())).collect(),
            Type::List(_) => vec![
                Value::List(Vec::new()),
                fill(&input.ty, single, currency),
                fill(&input.ty, Plan { items: 2, ..bare }, currency),
            ],
            Type::Map(_) => vec![fill(&input.ty, bare, currency)],
            Type::Int => vec![Value::Int(0), Value::Int(1), Value::Int(-1_234_567)],
            Type::Text => vec![Value::Text(String::new())],
            _ => Vec::new(),
        };
        for variant in variants {
            let mut varied = all(full);
            varied.insert(name.clone(), variant);
            out.push((varied, known.clone()));
        }
    }
    out.truncate(PROBES_MAX);
    out
}

fn fill(ty: &Type, plan: Plan, currency: Currency) -> Value {
    match ty {
        Type::Bool => Value::Bool(plan.flag),
        Type::Int => Value::Int(if plan.present { 12_345 } else { 1 }),
        Type::Float => Value::Float(0.125),
        Type::Text => Value::Text("Tom & <Ann> \"文\"".to_owned()),
        Type::OneOf(texts) => Value::Text(
            texts.get(plan.choice.min(texts.len().saturating_sub(1))).cloned().unwrap_or_default(),
        ),
        Type::Money(only) => Value::Money(Money::new(123_456, only.unwrap_or(currency))),
        Type::Time => Value::Time(Timestamp::from_secs(1_795_230_000)),
        Type::Date => Value::Date(jiff::civil::date(2026, 2, 28)),
        Type::Duration => Value::Duration(Elapsed::from_days(3)),
        Type::List(inner) => Value::List((0..plan.items).map(|_| fill(inner, plan, currency)).collect()),
        Type::Map(fields) => Value::Map(
            fields
                .iter()
                .filter(|(_, (_, required))| plan.present || *required)
                .map(|(name, (ty, _))| (name.clone(), fill(ty, plan, currency)))
                .collect(),
        ),
        Type::Any => Value::Text("text".to_owned()),
    }
}
