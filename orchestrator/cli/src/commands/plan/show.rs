//! The plan as a person reads it.

use super::Change;
use super::journeys::{JourneyPlan, Standing, Version};
use super::messages::MessagePlan;
use super::stranded::Stranded;
use super::ways::Became;
use crate::output::Output;
use words::Language;

pub(super) fn show(
    out: Output,
    title: &dyn Fn(&str) -> String,
    journeys: &[JourneyPlan],
    broadcasts: &[String],
    messages: &[MessagePlan],
    others: &[String],
    stranded: &[Stranded],
) {
    for plan in journeys.iter().filter(|plan| plan.change != Change::Same || plan.stay > 0) {
        out.line(format!(
            "{} {}: {}",
            out.either("journey", "ジャーニー"),
            out.bold(&title(&plan.journey)),
            plan.change.words(out)
        ));
        if plan.live > 0 {
            standing(out, plan);
        }
    }
    for line in broadcasts {
        out.line(line);
    }
    for plan in messages {
        let files = plan.files.len();
        out.line(format!(
            "{} {}: {} ({files} {})",
            out.either("message", "メッセージ"),
            out.bold(&plan.message),
            plan.change.words(out),
            out.either(if files == 1 { "file" } else { "files" }, "ファイル"),
        ));
    }
    for file in others {
        out.line(format!("{} {file}", out.either("file", "ファイル")));
    }
    for one in stranded {
        let because = one.because.get(out.language);
        let journey = title(&one.journey);
        out.line(out.red(&match out.language {
            words::Language::En => {
                format!("{} in {journey} would not get `{}`: {because}", one.customers, one.message)
            }
            words::Language::Ja => {
                format!("{journey} の {} 人に「{}」が届かなくなります：{because}", one.customers, one.message)
            }
        }));
    }
}

/// Who is on their way, and what each way would do to them.
fn standing(out: Output, plan: &JourneyPlan) {
    let JourneyPlan { live, stay, could_map, would_miss, change, .. } = plan;
    let gone = *change == Change::Removed;
    let lines = match (out.language, gone) {
        (Language::En, _) if *stay == 0 => {
            vec![format!("{live} on their way, all in the program to be deployed")]
        }
        (Language::En, true) => vec![
            format!("{live} on their way; nobody begins any more"),
            format!(
                "drain   {stay} go on with what they began until they are through: this is what a deployment does"
            ),
            format!("exit    {would_miss} of {stay} would miss a message"),
        ],
        (Language::En, false) => vec![
            format!("{live} on their way"),
            format!("pin     {stay} go on with what they began: this is what a deployment does"),
            format!("map     {could_map} of {stay} could go on from the same step of the new program"),
            format!("exit    {would_miss} of {stay} would miss a message"),
        ],
        (Language::Ja, _) if *stay == 0 => {
            vec![format!("進行中 {live} 人（全員が公開予定の内容で進んでいます）")]
        }
        (Language::Ja, true) => vec![
            format!("進行中 {live} 人（新たに始まる人はいなくなります）"),
            format!(
                "完走 (drain)  {stay} 人は始めたときの内容のまま最後まで進みます（デプロイするとこうなります）"
            ),
            format!(
                "終了 (exit)   今すぐ終えると、{stay} 人のうち {would_miss} 人に届かないメッセージが出ます"
            ),
        ],
        (Language::Ja, false) => vec![
            format!("進行中 {live} 人"),
            format!("継続 (pin)    {stay} 人は始めたときの内容のまま進みます（デプロイするとこうなります）"),
            format!(
                "移行 (map)    {stay} 人のうち {could_map} 人は、新しい内容の同じステップから続けられます"
            ),
            format!(
                "終了 (exit)   今すぐ終えると、{stay} 人のうち {would_miss} 人に届かないメッセージが出ます"
            ),
        ],
    };
    for line in lines {
        out.line(format!("  {line}"));
    }
    for at in &plan.steps {
        out.line(format!("    {:>8}  {}", at.customers, place(out, at)));
        for line in ways(out, at) {
            out.line(format!("    {:>8}  {}", "", line));
        }
    }
}

/// Where they stand: the step by what it does and by its name, and the version that they began.
fn place(out: Output, at: &Standing) -> String {
    let (label, step) = (at.label.get(out.language), &at.step);
    match (out.language, at.version) {
        (Language::En, Version::New) => format!("{label} ({step}), in the version to be deployed"),
        (Language::En, Version::Live) => format!("{label} ({step}), in the version that is live"),
        (Language::En, Version::Earlier) => format!("{label} ({step}), in an earlier version"),
        (Language::Ja, Version::New) => format!("{label}（{step}）公開予定の版"),
        (Language::Ja, Version::Live) => format!("{label}（{step}）公開中の版"),
        (Language::Ja, Version::Earlier) => format!("{label}（{step}）以前の版"),
    }
}

fn ways(out: Output, at: &Standing) -> Vec<String> {
    let Some(ways) = &at.ways else { return Vec::new() };
    let mut lines = vec![
        match ways.became {
            Became::Same => out.either("the step is as it was", "ステップはそのままです"),
            Became::Changed => out.either("the step is changed", "ステップが変わります"),
            Became::Gone => out.either("the step is gone", "ステップがなくなります"),
        }
        .to_owned(),
    ];
    if let Some(why) = &ways.no_map {
        lines.push(format!("{}: {}", out.either("no map", "移行できません"), why.get(out.language)));
    }
    if !ways.ahead.is_empty() {
        let names: Vec<&str> = ways.ahead.iter().map(String::as_str).collect();
        lines.push(match out.language {
            Language::En => format!("still ahead: {}", names.join(", ")),
            Language::Ja => format!("この先のメッセージ：{}", names.join("、")),
        });
    }
    lines
}
