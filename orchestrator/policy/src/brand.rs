//! What a brand may decide for itself: where it writes to, its own hours and caps. It can tighten the law's rules and
//! replace the courtesy defaults of the base pack; it cannot loosen a law.

use serde::{Deserialize, Serialize};
use words::calendar::{BusinessCalendar, Window};
use words::{Channel, Country, Elapsed, MessageClass, Zone};

/// A brand's settings, as far as the judge is concerned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The countries that the brand writes to. They stand in for a customer whose country is unknown.
    pub countries: Vec<Country>,
    /// The brand's own zone.
    pub zone: Zone,
    /// When the brand writes. `None` for a class and channel: the base pack's courtesy window.
    #[serde(default)]
    pub windows: Vec<BrandWindow>,
    /// How often the brand writes. `None`: the base pack's default, three marketing messages in seven days.
    #[serde(default)]
    pub caps: Option<Vec<Cap>>,
    /// The days on which the brand rests, for windows that keep to business days.
    #[serde(default)]
    pub business: Option<BusinessCalendar>,
}

/// When a brand writes messages of some classes on some channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandWindow {
    /// For which classes. Empty: marketing and service. Other classes are never delayed by a window.
    #[serde(default)]
    pub classes: Vec<MessageClass>,
    /// For which channels. Empty: all of them.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The recipient's local hours in which the brand writes.
    pub allow: Window,
    /// Only on business days of the recipient's country, with the brand's own rest days.
    #[serde(default)]
    pub business_days: bool,
}

/// At most `max` marketing messages in any stretch of `per`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How many.
    pub max: u32,
    /// In how long a stretch. It rolls: never a calendar day or week.
    #[serde(with = "crate::elapsed_text")]
    pub per: Elapsed,
    /// On one channel alone; `None`: on all together.
    #[serde(default)]
    pub channel: Option<Channel>,
}

impl Brand {
    /// A brand that writes to `countries` from `zone` and decides nothing else.
    pub fn new(countries: Vec<Country>, zone: Zone) -> Self {
        Self { countries, zone, windows: Vec::new(), caps: None, business: None }
    }
}

impl BrandWindow {
    pub(crate) fn concerns(&self, class: MessageClass, channel: &Channel) -> bool {
        let class_matches = if self.classes.is_empty() {
            matches!(class, MessageClass::Marketing | MessageClass::Service)
        } else {
            self.classes.contains(&class)
        };
        class_matches && (self.channels.is_empty() || self.channels.contains(channel))
    }
}
