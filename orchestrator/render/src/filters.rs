//! The filters and functions that templates may use, beside the engine's own.

use crate::format::{self, DateStyle, Name};
use crate::scope::{self, MARK, Scope, Typed, civil};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::civil::DateTime;
use std::sync::Arc;
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Filters that a template may name. What writes unescaped text is not among them.
pub(crate) const FILTERS: &[&str] = &[
    "abs",
    "amount",
    "capitalize",
    "date",
    "datetime",
    "default",
    "first",
    "float",
    "get",
    "group_by",
    "indent",
    "int",
    "join",
    "keys",
    "last",
    "length",
    "lower",
    "money",
    "name",
    "nth",
    "number",
    "pairs",
    "percent",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "str",
    "time",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "values",
    "wordcount",
];

/// Functions that a template may call.
pub(crate) const FUNCTIONS: &[&str] = &["t", "t_html", "range", "super"];

/// Tests after `is`.
pub(crate) const TESTS: &[&str] = &[
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];

/// A translation that only fluent itself can write: the bundle to ask, and the key.
pub(crate) struct Call {
    pub(crate) bundle: Arc<FluentBundle<FluentResource>>,
    pub(crate) key: String,
}

/// An engine with our filters and without templates.
pub(crate) fn engine() -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on(vec![""]);
    tera.set_escape_fn(scope::escape);
    tera.register_filter("money", money);
    tera.register_filter("amount", amount);
    tera.register_filter("date", date);
    tera.register_filter("time", time);
    tera.register_filter("datetime", datetime);
    tera.register_filter("number", number);
    tera.register_filter("percent", percent);
    tera.register_filter("name", name);
    tera.register_filter("urlencode", urlencode);
    tera.register_filter("__show", show);
    tera
}

/// Registers `__t` and `__t_html`, which stand for the `t()` calls that are left to fluent.
pub(crate) fn register_calls(tera: &mut Tera, calls: Vec<Call>) {
    let calls = Arc::new(calls);
    let plain = Arc::clone(&calls);
    tera.register_function("__t", move |kwargs: Kwargs, _: &State<'_>| -> TeraResult<Value> {
        let text = translate(&plain, &kwargs, |text| text.to_owned())?;
        if scope::with(|s| s.mode) == Some(scope::Mode::Html) && text.contains('\n') {
            return Ok(Value::safe_string(&escape_html(&text).replace('\n', "<br>")));
        }
        Ok(Value::from(text))
    });
    tera.register_function("__t_html", move |kwargs: Kwargs, _: &State<'_>| -> TeraResult<Value> {
        Ok(Value::safe_string(&translate(&calls, &kwargs, escape_html)?.replace('\n', "<br>")))
    });
}

/// Text as HTML, also between quotes of either kind.
pub fn escape_html(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 16);
    // Writing into a Vec cannot fail.
    let _ = tera::escape_html(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn translate(calls: &[Call], kwargs: &Kwargs, prepare: impl Fn(&str) -> String) -> TeraResult<String> {
    let index: usize = kwargs.must_get("__i")?;
    let call = calls.get(index).ok_or_else(|| tera::Error::message("no such translation"))?;
    let mut args = FluentArgs::new();
    for (key, value) in kwargs.iter() {
        let Some(key) = key.as_str().filter(|key| *key != "__i") else { continue };
        let value = match value.as_i128() {
            #[allow(clippy::cast_precision_loss)]
            Some(number) => FluentValue::from(number as f64),
            None if value.is_number() => FluentValue::from(value.to_string().parse::<f64>().unwrap_or(0.0)),
            None => FluentValue::from(prepare(&plain_text(value))),
        };
        args.set(key.to_owned(), value);
    }
    let pattern = call.bundle.get_message(&call.key).and_then(|message| message.value());
    let pattern = pattern.ok_or_else(|| tera::Error::message(format!("no translation of `{}`", call.key)))?;
    let mut errors = Vec::new();
    let text = call.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
    match errors.first() {
        Some(error) => Err(tera::Error::message(format!("translation `{}`: {error}", call.key))),
        None => Ok(text),
    }
}

/// Numbers inside translations, in the digits of the language.
pub(crate) fn fluent_number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    scope::with(|scope| {
        let decimals = number.options.minimum_fraction_digits;
        if number.options.use_grouping {
            format::decimal(number.value, decimals, scope.formats.tongue)
        } else {
            number.value.to_string()
        }
    })
}

/// A value as text, typed ones written out.
fn plain_text(value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.starts_with(MARK) => shown(text),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

fn shown(text: &str) -> String {
    Typed::decode(text).and_then(|typed| scope::with(|scope| typed.show(scope))).unwrap_or_default()
}

fn in_scope<T>(read: impl FnOnce(&Scope) -> TeraResult<T>) -> TeraResult<T> {
    scope::with(read).unwrap_or_else(|| Err(tera::Error::message("used outside of a message")))
}

fn wrong(filter: &str, wanted: &str, value: &Value) -> tera::Error {
    tera::Error::message(format!("`{filter}` wants {wanted}, not {}", kind_of(value)))
}

fn kind_of(value: &Value) -> &'static str {
    match value.as_str().map(Typed::decode) {
        Some(Some(Typed::Money(_))) => "money",
        Some(Some(Typed::Date(_))) => "a date",
        Some(Some(Typed::Time(_))) => "a time",
        Some(Some(Typed::Duration(_))) => "a duration",
        Some(None) => "text",
        None if value.is_undefined() => "an absent value",
        None if value.is_number() => "a number",
        None if value.is_map() => "a map",
        None if value.is_array() => "a list",
        None => "this",
    }
}

fn typed(value: &Value) -> Option<Typed> {
    value.as_str().and_then(Typed::decode)
}

fn money(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let Some(Typed::Money(amount)) = typed(value) else {
        return Err(wrong("money", "an amount of money", value));
    };
    let style: Option<&str> = kwargs.get("style")?;
    in_scope(|scope| match style {
        None => Ok(scope.formats.money(amount)),
        Some("code") => Ok(scope.formats.money_code(amount)),
        Some(other) => Err(tera::Error::message(format!(
            "`money` has no style `{other}`: leave it out or write \"code\""
        ))),
    })
}

fn amount(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<f64> {
    match typed(value) {
        Some(Typed::Money(money)) => money.decimal().parse().map_err(tera::Error::message),
        _ => Err(wrong("amount", "an amount of money", value)),
    }
}

/// Date and time of a typed value; a date begins its day.
fn moment(filter: &str, value: &Value, scope: &Scope) -> TeraResult<DateTime> {
    match typed(value) {
        Some(Typed::Date(date)) => Ok(date.to_datetime(jiff::civil::Time::midnight())),
        Some(Typed::Time(time)) => Ok(civil(time, &scope.zone)),
        _ => Err(wrong(filter, "a date or a time", value)),
    }
}

fn style_of(kwargs: &Kwargs, filter: &str) -> TeraResult<DateStyle> {
    match kwargs.get::<&str>("style")? {
        None => Ok(DateStyle::Long),
        Some(text) => DateStyle::parse(text).ok_or_else(|| {
            tera::Error::message(format!(
                "`{filter}` has no style `{text}`: write long, short, full, weekday, month_day or iso"
            ))
        }),
    }
}

fn date(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let style = style_of(&kwargs, "date")?;
    in_scope(|scope| Ok(format::date(moment("date", value, scope)?.date(), style, &scope.formats)))
}

fn time(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let Some(Typed::Time(at)) = typed(value) else { return Err(wrong("time", "a time", value)) };
    in_scope(|scope| Ok(format::time(civil(at, &scope.zone).time(), &scope.formats)))
}

fn datetime(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let style = style_of(&kwargs, "datetime")?;
    let Some(Typed::Time(at)) = typed(value) else { return Err(wrong("datetime", "a time", value)) };
    in_scope(|scope| Ok(format::date_time(civil(at, &scope.zone), style, &scope.formats)))
}

#[allow(clippy::cast_precision_loss)]
fn as_float(value: &Value) -> Option<f64> {
    match value.as_i128() {
        Some(number) => Some(number as f64),
        None if value.is_number() => value.to_string().parse().ok(),
        None => None,
    }
}

fn number(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let decimals: Option<usize> = kwargs.get("decimals")?;
    let grouped = kwargs.get::<bool>("group")?.unwrap_or(true);
    in_scope(|scope| match (value.as_i128().and_then(|n| i64::try_from(n).ok()), as_float(value)) {
        (Some(whole), _) if decimals.is_none() && grouped => Ok(format::group(whole, scope.formats.tongue)),
        (Some(whole), _) if decimals.is_none() => Ok(whole.to_string()),
        (_, Some(number)) => Ok(format::decimal(number, decimals, scope.formats.tongue)),
        _ => Err(wrong("number", "a number", value)),
    })
}

fn percent(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let decimals = kwargs.get::<usize>("decimals")?.unwrap_or(0);
    let Some(share) = as_float(value) else { return Err(wrong("percent", "a number", value)) };
    in_scope(|scope| Ok(format::percent(share, decimals, scope.formats.tongue)))
}

fn name(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let Some(map) = value.as_map() else { return Err(wrong("name", "the customer", value)) };
    let field = |key: &'static str| map.get(&key.into()).and_then(Value::as_str).unwrap_or("");
    let known = Name { whole: field("name"), family: field("family_name"), given: field("given_name") };
    let style: Option<&str> = kwargs.get("style")?;
    in_scope(|scope| match style {
        None => Ok(format::greeting(known, &scope.formats)),
        Some("full") => Ok(format::full(known, &scope.formats)),
        Some(other) => Err(tera::Error::message(format!(
            "`name` has no style `{other}`: leave it out or write \"full\""
        ))),
    })
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3.
fn urlencode(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in plain_text(value).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(out)
}

/// What every printed value passes whose type is not known to be text: numbers are grouped.
fn show(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    if value.is_undefined() {
        return Err(tera::Error::message("this value is absent"));
    }
    if !value.is_number() {
        return Ok(value.clone());
    }
    in_scope(|scope| {
        let tongue = scope.formats.tongue;
        Ok(match (value.as_i128().and_then(|n| i64::try_from(n).ok()), as_float(value)) {
            (Some(whole), _) => Value::from(format::group(whole, tongue)),
            (None, Some(number)) => Value::from(format::decimal(number, None, tongue)),
            (None, None) => value.clone(),
        })
    })
}
