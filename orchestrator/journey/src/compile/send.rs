//! Messages: which, on which channels, and with what in them.

use super::flow::{Builder, Flow, Slot};
use super::inputs::Wanted;
use crate::program::{Channels, IfBlocked, Op, Pc, Send};
use crate::report::{suggest, t};
use crate::yaml::Node;
use std::ops::Range;
use words::{Channel, MessageClass, MessageEntry};

impl Builder<'_> {
    pub(super) fn send(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(message_node) = node.get("send") else { return flow };
        let Some(message) = self.report.text(message_node, "the name of a message", "メッセージの名前")
        else {
            return flow;
        };
        let step = self.step_name(node, &format!("send:{message}"));
        self.send_as(node, message_node, step, None, span, flow)
    }

    /// Plans a message, perhaps one that asks a survey's question.
    pub(super) fn send_as(
        &mut self,
        node: &Node,
        message_node: &Node,
        step: String,
        survey: Option<String>,
        span: Range<usize>,
        flow: Flow,
    ) -> Flow {
        let report = self.report;
        let message = message_node.text().unwrap_or_default().trim().to_owned();
        let entry = self.world.messages.get(&message);
        if entry.is_none() {
            report.maybe_help(
                "J059",
                message_node.span.clone(),
                t(
                    format!("there is no message `{message}`"),
                    format!("「{message}」というメッセージはありません"),
                ),
                t(
                    format!("templates/{message}/ does not exist"),
                    format!("templates/{message}/ がありません"),
                ),
                suggest(&message, self.world.messages.messages.keys().map(String::as_str)).or_else(|| {
                    Some(t(
                        format!("make the folder templates/{message}/"),
                        format!("フォルダー templates/{message}/ を作ってください"),
                    ))
                }),
            );
        }
        self.fits_purpose(message_node, entry);
        let channels = self.send_channels(node, message_node, entry);
        self.asking(message_node, entry, &channels, survey.as_deref());
        let wanted: Wanted = entry
            .map(|entry| {
                entry
                    .inputs
                    .iter()
                    .map(|(name, input)| (name.clone(), (input.ty.clone(), input.required)))
                    .collect()
            })
            .unwrap_or_default();
        let known = entry.is_some().then_some(&wanted);
        let (mut with, broken) = self.arguments(node, "with", known, "J063", &flow.env);
        for (name, (ty, required)) in &wanted {
            if with.iter().any(|(given, _)| given == name) || broken.contains(name) {
                continue;
            }
            match self.fill(name, ty, *required, &span, &flow.env) {
                Ok(Some(expr)) => with.push((name.clone(), expr)),
                Ok(None) => {}
                Err(found) => self.missing_input(&message, name, ty, found, message_node.span.clone()),
            }
        }
        let blocked = [("skip", IfBlocked::Skip), ("wait", IfBlocked::Wait), ("stop", IfBlocked::Stop)];
        let priority = node.get("priority").and_then(|n| report.int(n, -1000..=1000)).unwrap_or(0);
        let send = Send {
            message,
            channels,
            with,
            priority: i32::try_from(priority).unwrap_or(0),
            expires: node.get("expires").and_then(|n| report.elapsed(n)),
            if_blocked: node.get("if_blocked").and_then(|n| report.one_of(n, &blocked)).unwrap_or_default(),
            survey,
        };
        let pc = self.push(&flow, step, span, Op::Send { send: Box::new(send), next: Pc::MAX });
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, flow.env) }
    }

    fn send_channels(&self, node: &Node, message_node: &Node, entry: Option<&MessageEntry>) -> Channels {
        let report = self.report;
        let has = |channel: &Channel| entry.is_none_or(|entry| entry.channels.contains(channel));
        let names =
            || entry.map(|e| e.channels.iter().map(Channel::as_str).collect::<Vec<_>>()).unwrap_or_default();
        let message = message_node.text().unwrap_or_default();
        if let (Some(_), Some(_)) = (node.get("first_of"), node.get("all_of")) {
            report.help(
                "J034",
                node.key_span("all_of"),
                t("`first_of` and `all_of` exclude each other", "「first_of」と「all_of」は同時に使えません"),
                t("both stand here", "両方が書かれています"),
                t("keep one of the two", "どちらか一方を消してください"),
            );
        }
        let given = ["first_of", "all_of"].into_iter().find_map(|key| Some((key, node.get(key)?)));
        let chosen = match given {
            Some((key, list)) => {
                let chosen = self.channels(list);
                for channel in chosen.iter().filter(|channel| !has(channel)) {
                    report.help(
                        "J060",
                        list.span.clone(),
                        t(
                            format!("`{message}` is not written for `{channel}`"),
                            format!("「{message}」には「{channel}」用の本文がありません"),
                        ),
                        t(
                            format!("it has: {}", names().join(", ")),
                            format!("あるのは {} です", names().join("、")),
                        ),
                        t(
                            format!("write templates/{message}/{channel}/, or leave `{channel}` out"),
                            format!("templates/{message}/{channel}/ を書くか、「{channel}」を外してください"),
                        ),
                    );
                }
                if key == "all_of" {
                    self.for_marketing(&chosen, message_node, entry);
                    return Channels::AllOf(chosen);
                }
                chosen
            }
            None => match (&self.first_of, entry) {
                (Some(default), _) => {
                    let chosen: Vec<Channel> =
                        default.iter().filter(|channel| has(channel)).cloned().collect();
                    if chosen.is_empty() && !default.is_empty() {
                        let list = default.iter().map(Channel::as_str).collect::<Vec<_>>();
                        report.help(
                            "J060",
                            message_node.span.clone(),
                            t(
                                format!("`{message}` has none of this journey's channels"),
                                format!(
                                    "「{message}」には、このジャーニーのチャネルの本文が 1 つもありません"
                                ),
                            ),
                            t(
                                format!(
                                    "it has: {}; the journey uses: {}",
                                    names().join(", "),
                                    list.join(", ")
                                ),
                                format!(
                                    "あるのは {}、ジャーニーが使うのは {} です",
                                    names().join("、"),
                                    list.join("、")
                                ),
                            ),
                            t(
                                "name the channels with `first_of:` here",
                                "ここに「first_of:」でチャネルを書いてください",
                            ),
                        );
                    }
                    chosen
                }
                (None, Some(entry)) if entry.channels.len() == 1 => entry.channels.iter().cloned().collect(),
                (None, Some(_)) => {
                    report.help(
                        "J100",
                        message_node.span.clone(),
                        t(
                            format!("on which channel is `{message}` to be sent?"),
                            format!("「{message}」をどのチャネルで送るか決まっていません"),
                        ),
                        t(
                            format!("it has: {}", names().join(", ")),
                            format!("あるのは {} です", names().join("、")),
                        ),
                        t(
                            format!(
                                "write `first_of: [{}]` here or at the top of the journey",
                                names().join(", ")
                            ),
                            format!(
                                "ここかジャーニーの先頭に「first_of: [{}]」と書いてください",
                                names().join(", ")
                            ),
                        ),
                    );
                    Vec::new()
                }
                (None, None) => Vec::new(),
            },
        };
        self.for_marketing(&chosen, message_node, entry);
        Channels::FirstOf(chosen)
    }

    /// A survey's message leads to its page on every channel it may take, and no other message does.
    fn asking(&self, node: &Node, entry: Option<&MessageEntry>, channels: &Channels, survey: Option<&str>) {
        let Some(entry) = entry else { return };
        let message = node.text().unwrap_or_default().trim();
        let (Channels::FirstOf(chosen) | Channels::AllOf(chosen)) = channels;
        if let Some(survey) = survey {
            for channel in chosen.iter().filter(|c| entry.channels.contains(c) && !entry.asks.contains(c)) {
                self.report.help(
                    "J067",
                    node.span.clone(),
                    t(
                        format!("`{message}` on {channel} has no link to the survey `{survey}`"),
                        format!(
                            "「{message}」の {channel} 用本文に、アンケート「{survey}」へのリンクがありません"
                        ),
                    ),
                    t("nobody could answer it", "これでは誰も回答できません"),
                    t(
                        format!("print {{{{ links.survey_url }}}} in templates/{message}/{channel}/"),
                        format!(
                            "templates/{message}/{channel}/ に {{{{ links.survey_url }}}} を入れてください"
                        ),
                    ),
                );
            }
        } else if !entry.asks.is_empty() {
            self.report.help(
                "J068",
                node.span.clone(),
                t(
                    format!("`{message}` leads to a survey's page, and no survey is asked here"),
                    format!("「{message}」はアンケートのページへのリンクを含みますが、ここではアンケートを行いません"),
                ),
                t("its link would lead nowhere", "リンク先がありません"),
                t(
                    format!("write `survey: …` with `send: {message}`, or take {{{{ links.survey_url }}}} out of the message"),
                    format!("「survey: …」と「send: {message}」を書くか、メッセージから {{{{ links.survey_url }}}} を外してください"),
                ),
            );
        }
    }

    /// What is written for strict rules goes out under no purpose with looser ones: advertising is no receipt, whatever the
    /// journey calls it.
    fn fits_purpose(&self, node: &Node, entry: Option<&MessageEntry>) {
        let Some((written, class)) = entry.and_then(|entry| entry.class).zip(self.class) else { return };
        if written.may_go_out_as(class) {
            return;
        }
        let message = node.text().unwrap_or_default().trim();
        let (written, class) = (written.as_str(), class.as_str());
        self.report.help(
            "J069",
            node.span.clone(),
            t(
                format!("`{message}` is written as {written}, and the purpose of this journey is {class}"),
                format!("「{message}」は {written} 用のメッセージですが、このジャーニーの目的は {class} です"),
            ),
            t(
                format!("sent like this, the rules for {written} would not be asked"),
                format!("このまま送ると、{written} の規則が適用されません"),
            ),
            t(
                format!(
                    "send it in a journey whose purpose is {written}; or, if it is {class} indeed, write `use: {class}` in \
                     templates/{message}/message.yaml"
                ),
                format!(
                    "目的が {written} のジャーニーで送るか、実際に {class} の内容であれば templates/{message}/message.yaml に\
                     「use: {class}」と書いてください"
                ),
            ),
        );
    }

    /// What advertising must carry: a way out, and in e-mail the sender block.
    fn for_marketing(&self, chosen: &[Channel], node: &Node, entry: Option<&MessageEntry>) {
        let Some(entry) = entry.filter(|_| self.class == Some(MessageClass::Marketing)) else { return };
        for channel in chosen.iter().filter(|c| entry.channels.contains(c) && !entry.marketing.contains(c)) {
            let message = node.text().unwrap_or_default();
            self.report.help(
                "J066",
                node.span.clone(),
                t(
                    format!("`{message}` lacks on {channel} what advertising must carry"),
                    format!("「{message}」の {channel} 用本文に、広告に必要な表示がありません"),
                ),
                t("the purpose of this journey is marketing", "このジャーニーの目的は広告宣伝（marketing）です"),
                t(
                    "use the brand's marketing layout, which has the way out and the sender block, or choose another purpose",
                    "配信停止の案内と送信者表示のある広告用レイアウトを使うか、目的を変えてください",
                ),
            );
        }
    }
}
