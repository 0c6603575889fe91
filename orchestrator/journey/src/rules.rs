//! The brand's own rules, `journeys/rules.yaml`: when it writes, how often, when it rests.
//!
//! This module reads them; what they mean is the judge's.

use crate::program::Between;
use crate::report::{Report, t};
use crate::yaml::{self, Node};
use std::cell::RefCell;
use std::collections::BTreeMap;
use words::{Channel, Country, Diagnostic, Elapsed, MessageClass};

/// The file that holds them.
pub const FILE: &str = "journeys/rules.yaml";

/// Everything in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// When the brand writes.
    pub hours: Vec<Hours>,
    /// How often. `None`: nothing is said about it.
    pub caps: Option<Vec<Cap>>,
    /// On which days the brand rests beside weekends and holidays.
    pub rest: Option<Rest>,
}

/// Hours of the recipient's day.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// From when to when.
    pub between: Between,
    /// On these channels; empty: on all.
    pub channels: Vec<Channel>,
    /// For these classes; empty: marketing and service.
    pub classes: Vec<MessageClass>,
    /// On business days of the recipient's country alone.
    pub business_days: bool,
}

/// At most so many marketing messages in any stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// How many.
    pub at_most: u32,
    /// In how long a stretch. It rolls.
    pub per: Elapsed,
    /// On this channel; `None`: on all together.
    pub channel: Option<Channel>,
}

/// Days on which the brand rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Whose holidays count for a customer whose country is unknown.
    pub country: Country,
    /// Also over お盆, 13 to 16 August.
    pub obon: bool,
    /// Also at the turn of the year, 29 December to 3 January.
    pub year_end: bool,
}

/// Reads the rules of a project; without the file there are none.
pub fn rules(files: &BTreeMap<String, Vec<u8>>) -> (Rules, Vec<Diagnostic>) {
    let list = RefCell::new(Vec::new());
    let rules = files
        .get(FILE)
        .and_then(|bytes| yaml::text(FILE, bytes, &list))
        .and_then(|source| {
            let report = Report { file: FILE, source, list: &list };
            let root = yaml::load(report)?;
            Some(read(report, &root))
        })
        .unwrap_or_default();
    let mut diagnostics = list.into_inner();
    crate::compile::sort(&mut diagnostics);
    (rules, diagnostics)
}

fn read(report: Report<'_>, root: &Node) -> Rules {
    if root.is_null() {
        return Rules::default();
    }
    report.keys(root, &["hours", "caps", "rest"]);
    Rules {
        hours: items(report, root.get("hours")).into_iter().filter_map(|node| hours(report, node)).collect(),
        caps: root.get("caps").map(|node| {
            items(report, Some(node)).into_iter().filter_map(|cap_node| cap(report, cap_node)).collect()
        }),
        rest: root.get("rest").and_then(|node| rest(report, node)),
    }
}

fn items<'n>(report: Report<'_>, node: Option<&'n Node>) -> Vec<&'n Node> {
    node.filter(|node| !node.is_null()).map(|node| report.items(node)).unwrap_or_default()
}

fn hours(report: Report<'_>, node: &Node) -> Option<Hours> {
    report.keys(node, &["between", "channels", "classes", "on"]);
    let between = report.need(
        node,
        "between",
        t("hours of the recipient's day in which you write", "お客様の現地時間で、送信してよい時間帯です"),
    );
    let classes: Vec<(&str, MessageClass)> = MessageClass::ALL.map(|class| (class.as_str(), class)).to_vec();
    Some(Hours {
        between: report.between(between?)?,
        channels: items(report, node.get("channels"))
            .into_iter()
            .filter_map(|item| report.text(item, "a channel", "チャネル").map(Channel::new))
            .collect(),
        classes: items(report, node.get("classes"))
            .into_iter()
            .filter_map(|item| report.one_of(item, &classes))
            .collect(),
        business_days: node
            .get("on")
            .is_some_and(|days| report.one_of(days, &[("business_days", ())]).is_some()),
    })
}

fn cap(report: Report<'_>, node: &Node) -> Option<Cap> {
    report.keys(node, &["at_most", "per", "channel"]);
    let at_most = report.need(
        node,
        "at_most",
        t("how many marketing messages a customer gets at most", "お客様 1 人あたりの上限通数です"),
    );
    let per = report.need(
        node,
        "per",
        t(
            "in how long a stretch, like `7 days`",
            "どれだけの期間についての上限か、「7 days」のように書きます",
        ),
    );
    let at_most = report.int(at_most?, 0..=1000)?;
    Some(Cap {
        at_most: u32::try_from(at_most).ok()?,
        per: report.elapsed(per?)?,
        channel: node.get("channel").and_then(|n| report.text(n, "a channel", "チャネル")).map(Channel::new),
    })
}

fn rest(report: Report<'_>, node: &Node) -> Option<Rest> {
    report.keys(node, &["country", "obon", "year_end"]);
    let place = report.need(
        node,
        "country",
        t(
            "whose holidays count where a customer's country is unknown",
            "国が不明なお客様に当てはめる祝日の国です",
        ),
    )?;
    let text = report.text(place, "a country", "国")?;
    let Some(country) = Country::parse(text) else {
        report.shape(place, "a country of two letters, like JP or US", "2 文字の国コード（JP や US など）");
        return None;
    };
    let flag = |key: &str| node.get(key).and_then(|n| report.boolean(n)).unwrap_or_default();
    Some(Rest { country, obon: flag("obon"), year_end: flag("year_end") })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read_text(text: &str) -> (Rules, Vec<Diagnostic>) {
        rules(&BTreeMap::from([(FILE.to_owned(), text.as_bytes().to_vec())]))
    }

    #[test]
    fn hours_caps_and_rest_are_read() {
        let (rules, problems) = read_text(
            "hours:\n  - between: \"09:00-20:00\"\n  - {between: \"10:00-19:00\", channels: [sms], on: business_days}\n\
             caps:\n  - {at_most: 2, per: 7 days}\n  - {at_most: 1, per: 3 days, channel: sms}\n\
             rest: {country: JP, obon: true}\n",
        );
        assert_eq!(problems, []);
        assert_eq!(rules.hours.len(), 2);
        assert!(rules.hours[1].business_days && rules.hours[1].channels == [Channel::SMS]);
        assert_eq!(rules.caps.unwrap()[1].per, Elapsed::from_days(3));
        assert_eq!(rules.rest, Some(Rest { country: Country::JP, obon: true, year_end: false }));
    }

    #[test]
    fn what_cannot_be_read_is_shown_at_its_place_all_at_once() {
        let (_, problems) = read_text(
            "hour: []\nhours:\n  - between: \"9 to 5\"\ncaps:\n  - {at_most: many, per: 7 days}\nrest: {country: Japan}\n",
        );
        let codes: Vec<&str> = problems.iter().map(|p| p.code.as_str()).collect();
        assert_eq!(codes.len(), 4, "{codes:?}");
        assert_eq!(codes[0], "J030");
    }

    #[test]
    fn without_the_file_there_are_no_rules_of_the_brand() {
        assert_eq!(rules(&BTreeMap::new()), (Rules::default(), Vec::new()));
        assert_eq!(read_text("# nothing yet\n").0, Rules::default());
    }
}
