//! Rule packs: versioned, dated policy as data.
//!
//! A pack applies to some countries and holds rules for some classes and channels. The packs of the law ship with
//! Tabi (`packs/`); a project may add its own or replace one by name. Every verdict names the packs it asked.

use crate::Cap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use words::calendar::{Date, Window};
use words::{Basis, Channel, Country, MessageClass, Timestamp};

const BUILT_IN: [(&str, &str); 7] = [
    ("base", include_str!("../packs/base.json")),
    ("us-email", include_str!("../packs/us-email.json")),
    ("us-sms", include_str!("../packs/us-sms.json")),
    ("ca", include_str!("../packs/ca.json")),
    ("eu", include_str!("../packs/eu.json")),
    ("uk", include_str!("../packs/uk.json")),
    ("jp", include_str!("../packs/jp.json")),
];

/// One rule pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Its name, unique among the loaded packs.
    pub pack: String,
    /// Its version, like `2026.11.1`.
    pub version: String,
    /// When it is in force.
    pub effective: Effective,
    /// Where it applies. Empty: wherever no other pack has a rule of the same kind.
    #[serde(default)]
    pub countries: Vec<Country>,
    /// Where the rules come from: statutes, regulations, guidance.
    pub sources: Vec<String>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// A stretch of days in UTC; both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effective {
    /// The first day; `None`: since ever.
    #[serde(default)]
    pub from: Option<Date>,
    /// The last day; `None`: until further notice.
    #[serde(default)]
    pub to: Option<Date>,
}

/// One rule of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its stable id, like `CNS-002`.
    pub id: String,
    /// The classes it binds.
    pub classes: Vec<MessageClass>,
    /// The channels it binds. Empty: all of them.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// When it is in force, within the pack's own time.
    #[serde(default)]
    pub effective: Effective,
    /// What it asks.
    pub check: Check,
}

/// What a rule asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A consent for the purpose and the channel.
    Consent {
        /// On what it may stand.
        accept: Vec<Basis>,
        /// How long implied consent counts, where the law limits it.
        #[serde(default)]
        implied: Option<ImpliedLimit>,
    },
    /// The recipient's local hours.
    Window {
        /// When the message may go out.
        allow: Window,
        /// A courtesy, not a law: a brand's own window replaces it.
        #[serde(default)]
        courtesy: bool,
    },
    /// Rolling caps.
    Cap {
        /// How many in how long.
        cap: Cap,
        /// A default, not a law: a brand's own caps replace it.
        #[serde(default)]
        courtesy: bool,
    },
    /// How far a revocation reaches that was made while this rule was in force.
    RevocationScope(Scope),
    /// The address must have been seen working within so many days.
    AddressSeenWithin {
        /// Days of 24 hours.
        days: u16,
    },
}

/// How long implied consent counts, in calendar months (CASL: 24 after a purchase, 6 after an inquiry).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImpliedLimit {
    /// After a purchase or a contract.
    pub purchase_months: u16,
    /// After anything else.
    pub inquiry_months: u16,
    /// The evidence methods that mean a purchase.
    pub purchase_methods: Vec<String>,
}

/// How far a revocation reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To the purpose that it names.
    Program,
    /// To every purpose on the channel.
    All,
}

/// Why a pack cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It does not have the shape of a pack.
    #[error("the rule pack `{name}` cannot be read: {source}")]
    Shape {
        /// Which file or pack.
        name: String,
        /// What is wrong, with line and column where it came from text.
        #[source]
        source: serde_json::Error,
    },
    /// It would never apply.
    #[error("the rule pack `{0}` ends before it begins: mend `effective`")]
    Dates(String),
}

/// The packs in use, in the order of their names.
#[derive(Debug, Clone)]
pub struct Packs {
    packs: Vec<Pack>,
    /// Every rule of every pack: where it is, and when both it and its pack are in force, so that a verdict needs no
    /// calendar for that.
    rules: Vec<Dated>,
    set: PackSet,
    /// The instants at which a pack or a rule comes into force or goes out of it, in order.
    changes: Vec<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Dated {
    pack: usize,
    rule: usize,
    from: Timestamp,
    to: Timestamp,
}

/// Which packs a verdict was made with: name, version and SHA-256 of each, and the SHA-256 of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackSet(Arc<SetData>);

#[derive(Debug, PartialEq, Eq)]
struct SetData {
    hash: [u8; 32],
    packs: Vec<PackRef>,
}

/// One pack of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackRef {
    /// Its name.
    pub pack: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its canonical JSON, in hex.
    pub sha256: String,
}

impl Packs {
    /// The packs that ship with Tabi.
    pub fn built_in() -> Self {
        Self::with(Vec::new()).expect("the tests load every built-in pack")
    }

    /// The built-in packs and a project's own; one of the same name replaces the built-in one.
    pub fn with(own: Vec<Pack>) -> Result<Self, PackError> {
        let mut packs = std::collections::BTreeMap::new();
        for (name, text) in BUILT_IN {
            let pack = Pack::from_json(name, text)?;
            packs.insert(pack.pack.clone(), pack);
        }
        for pack in own {
            pack.check()?;
            packs.insert(pack.pack.clone(), pack);
        }
        let packs: Vec<Pack> = packs.into_values().collect();
        let set = PackSet::of(&packs)?;
        let (changes, rules) = (changes(&packs), dated(&packs));
        Ok(Self { packs, rules, set, changes })
    }

    /// All packs, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Pack> {
        self.packs.iter()
    }

    /// Which packs these are.
    pub fn set(&self) -> &PackSet {
        &self.set
    }

    /// The rules in force at `now` for this class and channel, with their packs.
    pub(crate) fn rules<'a>(
        &'a self,
        class: MessageClass,
        channel: &'a Channel,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Pack, &'a Rule)> {
        self.rules
            .iter()
            .filter(move |dated| dated.from <= now && now < dated.to)
            .filter_map(|dated| {
                let pack = self.packs.get(dated.pack)?;
                Some((pack, pack.rules.get(dated.rule)?))
            })
            .filter(move |(_, rule)| rule.binds(class, channel))
    }

    /// The next instant after `now` at which a pack or a rule comes into force or goes out of it.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.changes.get(self.changes.partition_point(|at| *at <= now)).copied()
    }
}

impl Pack {
    /// Reads a pack from JSON. `name` is for the error message.
    pub fn from_json(name: &str, text: &str) -> Result<Self, PackError> {
        let pack: Self = serde_json::from_str(text)
            .map_err(|source| PackError::Shape { name: name.to_owned(), source })?;
        pack.check()?;
        Ok(pack)
    }

    /// Reads a pack from a value, however it was written (a project writes YAML).
    pub fn from_value(name: &str, value: serde_json::Value) -> Result<Self, PackError> {
        let pack: Self = serde_json::from_value(value)
            .map_err(|source| PackError::Shape { name: name.to_owned(), source })?;
        pack.check()?;
        Ok(pack)
    }

    fn check(&self) -> Result<(), PackError> {
        let backwards = |e: &Effective| matches!((e.from, e.to), (Some(from), Some(to)) if to < from);
        if backwards(&self.effective) || self.rules.iter().any(|rule| backwards(&rule.effective)) {
            return Err(PackError::Dates(self.pack.clone()));
        }
        Ok(())
    }
}

impl Rule {
    fn binds(&self, class: MessageClass, channel: &Channel) -> bool {
        self.classes.contains(&class) && (self.channels.is_empty() || self.channels.contains(channel))
    }
}

impl Effective {
    /// Whether it is in force at `now`.
    pub fn covers(&self, now: Timestamp) -> bool {
        self.starts().is_none_or(|from| from <= now) && self.ends().is_none_or(|to| now < to)
    }

    fn starts(&self) -> Option<Timestamp> {
        self.from.map(midnight)
    }

    fn ends(&self) -> Option<Timestamp> {
        self.to.map(|day| day.tomorrow().map_or(Timestamp::MAX, midnight))
    }
}

fn dated(packs: &[Pack]) -> Vec<Dated> {
    let mut all = Vec::new();
    for (pack_at, pack) in packs.iter().enumerate() {
        for (rule_at, rule) in pack.rules.iter().enumerate() {
            let both = [&pack.effective, &rule.effective];
            all.push(Dated {
                pack: pack_at,
                rule: rule_at,
                from: both
                    .iter()
                    .filter_map(|e| e.starts())
                    .max()
                    .unwrap_or(Timestamp::from_micros(i64::MIN)),
                to: both.iter().filter_map(|e| e.ends()).min().unwrap_or(Timestamp::MAX),
            });
        }
    }
    all
}

fn changes(packs: &[Pack]) -> Vec<Timestamp> {
    let effectives =
        packs.iter().flat_map(|pack| pack.rules.iter().map(|rule| &rule.effective).chain([&pack.effective]));
    let mut all: Vec<Timestamp> = effectives.flat_map(|e| [e.starts(), e.ends()]).flatten().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn midnight(day: Date) -> Timestamp {
    words::calendar::at_local_time(&words::Zone::utc(), day, words::calendar::ClockTime::MIDNIGHT)
}

impl PackSet {
    fn of(packs: &[Pack]) -> Result<Self, PackError> {
        let mut whole = Sha256::new();
        let mut refs = Vec::with_capacity(packs.len());
        for pack in packs {
            let bytes = serde_json::to_vec(pack)
                .map_err(|source| PackError::Shape { name: pack.pack.clone(), source })?;
            let hash = Sha256::digest(&bytes);
            whole.update(hash);
            refs.push(PackRef { pack: pack.pack.clone(), version: pack.version.clone(), sha256: hex(&hash) });
        }
        Ok(Self(Arc::new(SetData { hash: whole.finalize().into(), packs: refs })))
    }

    /// SHA-256 over the hashes of the packs in the order of their names.
    pub fn hash(&self) -> &[u8; 32] {
        &self.0.hash
    }

    /// That hash in hex.
    pub fn hex(&self) -> String {
        hex(&self.0.hash)
    }

    /// The packs.
    pub fn packs(&self) -> &[PackRef] {
        &self.0.packs
    }
}

impl Serialize for PackSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("sha256:{}", self.hex()))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
