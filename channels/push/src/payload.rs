//! What is sent: a `message` of FCM HTTP v1.

use channel::{Composed, Parcel};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;
use words::{MessageClass, Timestamp};

/// The most bytes of notification and data together, keys and values (Firebase documentation: 4096 bytes).
pub const PAYLOAD_BYTES_MAX: usize = 4096;
/// The most bytes of the whole request: the payload and what stands around it.
pub(crate) const BYTES_MAX: usize = 16 * 1024;
/// The longest token that is sent; FCM gives no length, real ones have some 160 characters.
const TOKEN_BYTES_MAX: usize = 4096;
/// The longest life FCM knows: four weeks.
const LIFE_SECS_MAX: u64 = 2_419_200;

/// How long the platform keeps a message for a device that is off, by class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    /// Yesterday's offer is noise.
    pub marketing: Duration,
    /// What changes within days.
    pub service: Duration,
    /// What must arrive, however late.
    pub transactional: Duration,
    /// As long as the platform keeps anything.
    pub regulatory: Duration,
    /// A one-time code is worthless later.
    pub security: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            marketing: hours(24),
            service: hours(72),
            transactional: hours(14 * 24),
            regulatory: Duration::from_secs(LIFE_SECS_MAX),
            security: Duration::from_secs(600),
        }
    }
}

impl Lifetimes {
    fn secs(&self, class: MessageClass) -> u64 {
        let life = match class {
            MessageClass::Marketing => self.marketing,
            MessageClass::Service => self.service,
            MessageClass::Transactional => self.transactional,
            MessageClass::Regulatory => self.regulatory,
            MessageClass::Security => self.security,
        };
        life.as_secs().min(LIFE_SECS_MAX)
    }
}

/// Whether a message may wake a sleeping device. Marketing and service messages never do.
fn is_urgent(class: MessageClass) -> bool {
    matches!(class, MessageClass::Transactional | MessageClass::Regulatory | MessageClass::Security)
}

/// The request body. Source of every name: Firebase documentation, «REST Resource: projects.messages».
///
/// Of the part `data`, an object of texts for the app, two entries are not passed on but mean something here:
/// `collapse_key` (a newer message replaces an older one on the device) and `image` (a URL shown with the text).
pub(crate) fn compose(parcel: &Parcel, lifetimes: &Lifetimes) -> Result<Composed, String> {
    let token = parcel.to.as_str();
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("this is not a registration token".to_owned());
    }
    let part = |name: &str| parcel.content.parts.get(name).map(|text| text.trim());
    let required = |name: &str| {
        part(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            format!("the part `{name}` is missing or empty: a push message needs a title and a body")
        })
    };
    let mut data = data(part("data"))?;
    let collapse_key = data.remove("collapse_key");
    let image = data.remove("image");
    // The app hands it back when the message is opened.
    data.insert("tabi_delivery".to_owned(), json!(parcel.delivery));
    let mut notification = json!({"title": required("title")?, "body": required("body")?});
    if let Some(image) = image {
        notification["image"] = image;
    }
    let payload_bytes = notification.to_string().len() + Value::Object(data.clone()).to_string().len();
    if payload_bytes > PAYLOAD_BYTES_MAX {
        return Err(format!(
            "title, body and data have {payload_bytes} bytes together; FCM takes {PAYLOAD_BYTES_MAX}: shorten the body or send less data"
        ));
    }
    let urgent = is_urgent(parcel.class);
    let life_secs = lifetimes.secs(parcel.class);
    let mut android =
        json!({"priority": if urgent { "HIGH" } else { "NORMAL" }, "ttl": format!("{life_secs}s")});
    let mut apns = json!({"apns-priority": if urgent { "10" } else { "5" }});
    if let Ok(date) = Timestamp::parse(&parcel.content.date) {
        // From the date of the content, not the clock: every attempt has the same bytes and the same end.
        let ends = (date.as_micros() / 1_000_000).saturating_add(life_secs.cast_signed());
        apns["apns-expiration"] = json!(ends.to_string());
    }
    if let Some(key) = collapse_key {
        apns["apns-collapse-id"] = key.clone();
        android["collapse_key"] = key;
    }
    let request = json!({"message": {
        "token": token,
        "notification": notification,
        "data": data,
        "android": android,
        "apns": {"headers": apns},
        "webpush": {"headers": {"TTL": life_secs.to_string(), "Urgency": if urgent { "high" } else { "normal" }}},
    }});
    let bytes = request.to_string().into_bytes();
    if bytes.len() > BYTES_MAX {
        return Err(format!("the request would have {} bytes; {BYTES_MAX} are allowed", bytes.len()));
    }
    Ok(Composed { media: "application/json", bytes })
}

/// The part `data` as FCM takes it: texts only, no reserved keys.
fn data(part: Option<&str>) -> Result<Map<String, Value>, String> {
    let Some(text) = part.filter(|text| !text.is_empty()) else { return Ok(Map::new()) };
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|why| format!("the part `data` is not a JSON object: {why}"))?;
    for (key, value) in &object {
        if !value.is_string() {
            return Err(format!("the part `data` has `{key}`, which is not a text; FCM takes texts only"));
        }
        if matches!(key.as_str(), "from" | "message_type" | "tabi_delivery")
            || key.starts_with("google.")
            || key.starts_with("gcm.")
        {
            return Err(format!("the part `data` has the reserved key `{key}`; give it another name"));
        }
        let limited = match key.as_str() {
            // APNs: apns-collapse-id has at most 64 bytes.
            "collapse_key" => value.as_str().is_some_and(|key| (1..=64).contains(&key.len())),
            "image" => value.as_str().is_some_and(|url| url.starts_with("https://")),
            _ => true,
        };
        if !limited {
            return Err(format!(
                "the part `data` has an unusable `{key}`: a collapse key has 1 to 64 bytes, an image is an https:// URL"
            ));
        }
    }
    Ok(object)
}
