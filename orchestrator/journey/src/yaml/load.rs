//! From bytes to the tree, within limits: hostile input is refused before it costs anything.

use super::{
    ALIASES_MAX, DEPTH_MAX, Entry, FILE_BYTES_MAX, Kind, NODES_MAX, Node, Style,
    accident::{self, Broken},
};
use crate::report::{Report, t};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How many broken lines of one file are reported before the rest is left unread.
const BROKEN_LINES_MAX: usize = 20;

/// Reads one file. `None` where nothing of it can be used; all that is wrong has then been reported.
pub(crate) fn load(report: Report<'_>) -> Option<Node> {
    let mut source = report.source.to_owned();
    let mut mended: Vec<Range<usize>> = Vec::new();
    for _ in 0..=BROKEN_LINES_MAX {
        match Loader::new(&report, &source, &mended).read() {
            Ok(node) => return node,
            Err(Stop::Refused) => return None,
            Err(Stop::Broken(kind, at)) => {
                let Broken { place, mend } = accident::explain(&report, &source, &kind, at);
                let place = mend.then_some(place)?;
                // The line is put aside, so that the problems of the other lines are found too.
                source.replace_range(place.clone(), &"x".repeat(place.len()));
                mended.push(place);
            }
        }
    }
    None
}

/// The text of a file: UTF-8 and not too long, or reported.
pub(crate) fn text<'b>(
    file: &str,
    bytes: &'b [u8],
    list: &std::cell::RefCell<Vec<words::Diagnostic>>,
) -> Option<&'b str> {
    let report = Report { file, source: "", list };
    if bytes.len() > FILE_BYTES_MAX {
        report.help(
            "J002",
            0..0,
            t(
                format!("this file is too large: {} KiB", bytes.len() / 1024),
                format!("ファイルが大きすぎます（{} KiB）", bytes.len() / 1024),
            ),
            t("at most 1024 KiB are read", "読み込めるのは 1024 KiB までです"),
            t("split it into several files", "複数のファイルに分けてください"),
        );
        return None;
    }
    let bytes_after_mark = bytes.strip_prefix(b"\xEF\xBB\xBF").map_or(bytes, |_| bytes);
    match std::str::from_utf8(bytes_after_mark) {
        Ok(text) => Some(text),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            report.help(
                "J001",
                0..0,
                t(
                    format!("this file is not UTF-8: line {line} cannot be read"),
                    format!("UTF-8 ではありません（{line} 行目が読めません）"),
                ),
                t("", ""),
                t(
                    "save it as UTF-8 in your editor (it may be Shift_JIS or UTF-16 now)",
                    "エディターで文字コードを UTF-8 にして保存し直してください（Shift_JIS や UTF-16 になっていませんか）",
                ),
            );
            None
        }
    }
}

enum Stop {
    /// Reported already.
    Refused,
    /// The parser stopped here.
    Broken(ErrorKind, usize),
}

struct Loader<'r, 's> {
    report: &'r Report<'r>,
    parser: Parser<'s, granit_parser::StrInput<'s>>,
    mended: &'r [Range<usize>],
    length: usize,
    nodes: usize,
    aliases: usize,
    depth: usize,
    flow: usize,
    anchors: BTreeMap<usize, (Node, usize)>,
    ahead: Option<(Event<'s>, Span)>,
}

impl<'r, 's> Loader<'r, 's> {
    fn new(report: &'r Report<'r>, source: &'s str, mended: &'r [Range<usize>]) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            disallow_directives: true,
            flow_nesting_limit: DEPTH_MAX,
            block_nesting_limit: DEPTH_MAX,
        };
        Self {
            report,
            parser: Parser::new_from_str_with_options(source, options),
            mended,
            length: source.len(),
            nodes: 0,
            aliases: 0,
            depth: 0,
            flow: 0,
            anchors: BTreeMap::new(),
            ahead: None,
        }
    }

    fn next(&mut self) -> Result<(Event<'s>, Span), Stop> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(ahead);
        }
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(0).min(self.length);
                Err(Stop::Broken(error.kind().clone(), at))
            }
            None => Ok((Event::StreamEnd, Span::empty(granit_parser::Marker::new(0, 1, 0)))),
        }
    }

    fn read(mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    self.report.help(
                        "J006",
                        bytes(&span),
                        t("this file holds several documents", "1 つのファイルに複数の文書があります"),
                        t("a second one begins here", "ここから 2 つ目の文書が始まっています"),
                        t(
                            "put each into a file of its own and take `---` away",
                            "それぞれを別のファイルに分け、`---` を消してください",
                        ),
                    );
                    return Err(Stop::Refused);
                }
                Event::DocumentStart(..) => {}
                Event::StreamEnd => return Ok(root),
                other => root = Some(self.node(other, span)?),
            }
        }
    }

    fn count(&mut self, span: &Span, more: usize) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        self.report.help(
            "J004",
            bytes(span),
            t("this file says too much", "ファイルの中身が多すぎます"),
            t(
                format!("more than {NODES_MAX} values, those that aliases repeat included"),
                format!("値が {NODES_MAX} 個を超えています（エイリアスで繰り返した分を含みます）"),
            ),
            t(
                "split it into several files, without aliases",
                "エイリアスを使わず、複数のファイルに分けてください",
            ),
        );
        Err(Stop::Refused)
    }

    fn node(&mut self, event: Event<'s>, span: Span) -> Result<Node, Stop> {
        self.count(&span, 1)?;
        let place = bytes(&span);
        if let Some(tag) = event.tag() {
            let place = span.tag_span().map_or(place.start..place.start + 1, |s| bytes(&s));
            accident::tag(self.report, &tag.to_string(), place.clone());
            self.skip(&event)?;
            let text = String::new();
            return Ok(Node {
                span: place,
                kind: Kind::Scalar { text, style: Style::Plain },
                flow: false,
                broken: true,
            });
        }
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                (anchor, (Kind::Scalar { text: text.into_owned(), style }, place.end))
            }
            Event::SequenceStart(style, anchor, _) => (anchor, self.list(is_flow(style), &span)?),
            Event::MappingStart(style, anchor, _) => (anchor, self.map(is_flow(style), &span)?),
            Event::Alias(id) => return self.alias(id, &span),
            _ => (0, (Kind::Scalar { text: String::new(), style: Style::Plain }, place.end)),
        };
        let (kind, end) = kind;
        let span = place.start..end.max(place.start);
        let broken = self.mended.iter().any(|m| m.start <= span.start && span.start < m.end);
        let node = Node { span, kind, flow: self.flow > 0, broken };
        if anchor > 0 {
            let size = self.nodes;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Node, Stop> {
        self.aliases += 1;
        let Some((node, _)) = self.anchors.get(&id) else {
            return Err(Stop::Broken(ErrorKind::UnknownAnchor, bytes(span).start));
        };
        let node = node.clone();
        if self.aliases > ALIASES_MAX {
            self.report.help(
                "J004",
                bytes(span),
                t("this file repeats itself too often", "エイリアスが多すぎます"),
                t(
                    format!("more than {ALIASES_MAX} aliases"),
                    format!("エイリアスが {ALIASES_MAX} 個を超えています"),
                ),
                t("write the values out, or split the file", "値をそのまま書くか、ファイルを分けてください"),
            );
            return Err(Stop::Refused);
        }
        self.count(span, size(&node))?;
        Ok(node)
    }

    fn enter(&mut self, span: &Span, flow: bool) -> Result<(), Stop> {
        self.depth += 1;
        self.flow += usize::from(flow);
        if self.depth > DEPTH_MAX {
            too_deep(self.report, bytes(span));
            return Err(Stop::Refused);
        }
        Ok(())
    }

    fn list(&mut self, flow: bool, span: &Span) -> Result<(Kind, usize), Stop> {
        self.enter(span, flow)?;
        let mut items = Vec::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                break bytes(&span).end;
            }
            items.push(self.node(event, span)?);
        };
        self.depth -= 1;
        self.flow -= usize::from(flow);
        let end = if flow { end } else { items.last().map_or(end, |n| n.span.end) };
        Ok((Kind::List(items), end))
    }

    fn map(&mut self, flow: bool, span: &Span) -> Result<(Kind, usize), Stop> {
        self.enter(span, flow)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break bytes(&span).end;
            }
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            let Kind::Scalar { text, .. } = &key.kind else {
                accident::brace_key(self.report, key.span.clone());
                continue;
            };
            if key.broken {
                continue;
            }
            if !seen.insert(text.clone()) {
                let first = entries.iter().find(|e| e.key == *text).map_or(0, |e| e.key_span.start);
                let line = self.report.line(first);
                self.report.help(
                    "J005",
                    key.span.clone(),
                    t(format!("`{text}` is written twice"), format!("「{text}」が 2 回書かれています")),
                    t(format!("it stands in line {line} already"), format!("{line} 行目にもあります")),
                    t("keep one of the two", "どちらか一方を消してください"),
                );
                continue;
            }
            entries.push(Entry { key: text.clone(), key_span: key.span, value });
        };
        self.depth -= 1;
        self.flow -= usize::from(flow);
        let end =
            if flow { end } else { entries.last().map_or(end, |e| e.value.span.end.max(e.key_span.end)) };
        Ok((Kind::Map(entries), end))
    }

    /// Reads past the children of a node that is not wanted.
    fn skip(&mut self, event: &Event<'s>) -> Result<(), Stop> {
        let mut open = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => 1,
            _ => 0,
        };
        while open > 0 {
            match self.next()?.0 {
                Event::SequenceStart(..) | Event::MappingStart(..) => open += 1,
                Event::SequenceEnd | Event::MappingEnd => open -= 1,
                Event::StreamEnd => break,
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn too_deep(report: &Report<'_>, span: Range<usize>) {
    report.help(
        "J003",
        span,
        t("this is nested too deeply", "入れ子が深すぎます"),
        t(format!("more than {DEPTH_MAX} levels"), format!("{DEPTH_MAX} 段を超えています")),
        t(
            "use `choose` instead of ifs within ifs, or `enroll` a journey of its own",
            "if の入れ子の代わりに `choose` を使うか、別のジャーニーに分けて `enroll` で始めてください",
        ),
    );
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 1,
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|e| 1 + size(&e.value)).sum::<usize>(),
    }
}

fn is_flow(style: granit_parser::StructureStyle) -> bool {
    style == granit_parser::StructureStyle::Flow
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}
