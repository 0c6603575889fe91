//! Puts layouts, blocks and includes in place, so that a part is one flat template.
//!
//! The engine could do it at every render; done once it is faster, MJML can be compiled as a whole, and every piece keeps
//! the place in the file that it came from.

use crate::problems::{Place, Problems, did_you_mean};
use crate::scan::{self, Kind, Segment};
use std::collections::BTreeMap;
use std::ops::Range;
use words::Text;

/// Files put into each other, at most.
const DEPTH_MAX: usize = 8;
/// Pieces of one part, at most.
const PIECES_MAX: usize = 20_000;

/// A piece of a flat template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// As in the file, with its delimiters.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) place: Place,
    /// The inside of the delimiters, in bytes of the file.
    pub(crate) inner: Range<usize>,
}

/// A source file and its segments.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) segments: Vec<Segment>,
}

impl Source {
    pub(crate) fn new(text: String) -> Self {
        let segments = scan::segments(&text);
        Self { text, segments }
    }

    /// The words of a tag, `["extends", …]`, with the quoted argument where there is one.
    fn tag(&self, segment: &Segment) -> Option<(String, Option<Argument>)> {
        if segment.kind != Kind::Tag {
            return None;
        }
        let tokens = scan::tokens(&self.text, segment.inner.clone());
        let word = tokens.first()?.word()?.to_owned();
        let argument = tokens.get(1).and_then(|t| {
            let text = t.literal().or_else(|| t.word())?;
            Some((text.to_owned(), t.span.clone()))
        });
        Some((word, argument))
    }
}

/// The first argument of a tag, and where it stands.
type Argument = (String, Range<usize>);

/// A block that a child lays over its parent's.
#[derive(Debug, Clone)]
struct Block {
    file: String,
    body: Range<usize>,
}

/// Flattens `file`. `None` where something is missing; the reasons are in `problems`.
pub(crate) fn flatten(
    file: &str,
    sources: &BTreeMap<String, Source>,
    problems: &mut Problems,
) -> Option<Vec<Piece>> {
    let mut flattener = Flattener { sources, problems, out: Vec::new(), trim_next: false, failed: false };
    flattener.template(file, &BTreeMap::new(), 0);
    (!flattener.failed).then_some(flattener.out)
}

struct Flattener<'a> {
    sources: &'a BTreeMap<String, Source>,
    problems: &'a mut Problems,
    out: Vec<Piece>,
    trim_next: bool,
    failed: bool,
}

type Blocks = BTreeMap<String, Vec<Block>>;

impl Flattener<'_> {
    fn template(&mut self, file: &str, blocks: &Blocks, depth: usize) {
        let Some(source) = self.sources.get(file) else { return };
        let parent = source.segments.iter().find_map(|segment| match source.tag(segment)? {
            (word, Some((name, span))) if word == "extends" => Some((name, span)),
            _ => None,
        });
        let Some((name, span)) = parent else {
            self.body(file, 0..source.segments.len(), blocks, &[], depth);
            return;
        };
        let Some(path) = self.resolve(file, &name, span, "layouts/", depth) else { return };
        let mut all = blocks.clone();
        let mut index = 0;
        while index < source.segments.len() {
            if let Some((word, Some((name, _)))) = source.tag(&source.segments[index])
                && word == "block"
            {
                let end = self.end_of_block(source, index);
                let block = Block { file: file.to_owned(), body: index + 1..end };
                all.entry(name).or_default().push(block);
            }
            index += 1;
        }
        self.template(&path, &all, depth + 1);
    }

    /// The segments of `file` in `range`. `supers` is what `super()` means here, nearest first.
    fn body(&mut self, file: &str, range: Range<usize>, blocks: &Blocks, supers: &[Block], depth: usize) {
        let sources = self.sources;
        let Some(source) = sources.get(file) else { return };
        let mut index = range.start;
        while index < range.end && !self.failed {
            let segment = &source.segments[index];
            index += 1;
            match source.tag(segment) {
                Some((word, Some((name, _)))) if word == "block" => {
                    let end = self.end_of_block(source, index - 1);
                    let mut chain = blocks.get(&name).cloned().unwrap_or_default();
                    chain.push(Block { file: file.to_owned(), body: index..end });
                    self.trim(segment);
                    if let Some((first, rest)) = chain.split_first() {
                        self.body(&first.file, first.body.clone(), blocks, rest, depth + 1);
                    }
                    if let Some(close) = source.segments.get(end) {
                        self.trim(close);
                    }
                    index = end + 1;
                }
                Some((word, Some((name, span)))) if word == "include" => {
                    self.trim(segment);
                    if let Some(path) = self.resolve(file, &name, span, "blocks/", depth) {
                        self.body_of_include(&path, depth + 1);
                    }
                }
                _ if segment.kind == Kind::Print
                    && source.text[segment.inner.clone()].trim() == "super()" =>
                {
                    self.trim(segment);
                    if let Some((first, rest)) = supers.split_first() {
                        self.body(&first.file, first.body.clone(), blocks, rest, depth + 1);
                    }
                }
                _ => self.piece(file, source, segment),
            }
        }
    }

    fn body_of_include(&mut self, path: &str, depth: usize) {
        if let Some(source) = self.sources.get(path) {
            self.body(path, 0..source.segments.len(), &BTreeMap::new(), &[], depth);
        }
    }

    fn piece(&mut self, file: &str, source: &Source, segment: &Segment) {
        if self.out.len() >= PIECES_MAX {
            self.failed = true;
            return;
        }
        if segment.kind == Kind::Comment {
            self.trim(segment);
            return;
        }
        let mut text = source.text[segment.span.clone()].to_owned();
        if segment.kind == Kind::Text && std::mem::take(&mut self.trim_next) {
            text = text.trim_start().to_owned();
        }
        self.trim_next = false;
        self.out.push(Piece {
            kind: segment.kind,
            text,
            place: Place::new(file, segment.span.clone()),
            inner: segment.inner.clone(),
        });
    }

    /// White space control of a tag that does not reach the flat template.
    fn trim(&mut self, segment: &Segment) {
        if segment.trim_before
            && let Some(last) = self.out.last_mut()
            && last.kind == Kind::Text
        {
            last.text.truncate(last.text.trim_end().len());
        }
        self.trim_next = segment.trim_after;
    }

    /// The segment that closes the block opened at `open`, or the end of the file.
    fn end_of_block(&self, source: &Source, open: usize) -> usize {
        let mut depth = 0usize;
        for (index, segment) in source.segments.iter().enumerate().skip(open) {
            match source.tag(segment) {
                Some((word, _)) if word == "block" => depth += 1,
                Some((word, _)) if word == "endblock" => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index;
                    }
                }
                _ => {}
            }
        }
        source.segments.len()
    }

    /// The path of a layout or block, or a problem.
    fn resolve(
        &mut self,
        file: &str,
        name: &str,
        span: Range<usize>,
        kind: &str,
        depth: usize,
    ) -> Option<String> {
        let place = Place::new(file, span);
        if depth >= DEPTH_MAX {
            self.failed = true;
            self.problems.error(
                "T018",
                &place,
                Text::new(
                    format!("`{name}` is put into itself, or {DEPTH_MAX} files deep"),
                    format!("「{name}」が自分自身を含むか、{DEPTH_MAX}段を超えて入れ子になっています"),
                ),
                Text::new("this closes the circle", "ここで循環しています"),
                Text::new(
                    "take this line out, or put the shared part in a block of its own",
                    "この行を削除するか、共通部分を別のブロックに分けてください",
                ),
            );
            return None;
        }
        let path = format!("templates/{name}");
        if self.sources.contains_key(&path) && (name.starts_with("layouts/") || name.starts_with("blocks/")) {
            return Some(path);
        }
        self.failed = true;
        let known: Vec<&str> = self
            .sources
            .keys()
            .filter_map(|path| path.strip_prefix("templates/"))
            .filter(|path| path.starts_with("layouts/") || path.starts_with("blocks/"))
            .collect();
        let meant = did_you_mean(name, known.iter().copied()).or_else(|| {
            known.iter().copied().find(|k| k.rsplit('/').next().is_some_and(|last| last.starts_with(name)))
        });
        let help = match meant {
            Some(meant) => {
                Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
            }
            None => Text::new(
                format!("layouts and blocks are named from the folder templates/: write `{kind}name.mjml`"),
                format!("レイアウトとブロックは templates/ からの名前で書きます（例：{kind}name.mjml）"),
            ),
        };
        self.problems.error(
            "T017",
            &place,
            Text::new(
                format!("there is no layout or block `{name}`"),
                format!("レイアウトまたはブロック「{name}」はありません"),
            ),
            Text::new("no file has this name", "この名前のファイルはありません"),
            help,
        );
        None
    }
}
