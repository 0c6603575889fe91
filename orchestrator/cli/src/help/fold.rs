//! Lines folded by display width: at spaces, and where a phrase of Japanese text ends.

use unicode_width::UnicodeWidthChar as _;

/// Characters that must not begin a line (a part of JIS X 4051's list).
const NOT_FIRST: &str =
    "、。，．・：；？！」』）］｝〉》】〕”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…,.!?:;)]}>";
/// Characters that must not end one.
const NOT_LAST: &str = "「『（［｛〈《【〔“‘([{<";

/// Each line at most `width` columns wide where it can be broken. What follows stands under the text that it goes on with:
/// under the description where a line is a name and its description, else as far in as the line is.
pub(super) fn fold(text: &str, width: usize) -> String {
    text.lines().map(|line| fold_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn fold_line(line: &str, width: usize) -> String {
    let pieces = pieces(line);
    if pieces.iter().map(|piece| piece.width).sum::<usize>() <= width {
        return line.to_owned();
    }
    let indent = hanging(line, width);
    let (mut out, mut column, mut begun) = (String::new(), 0, false);
    for piece in pieces {
        // A space at the end of a line hangs there.
        let needed = piece.width - (piece.text.len() - piece.text.trim_end_matches(' ').len());
        if begun && column + needed > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        }
        out.push_str(&piece.text);
        column += piece.width;
        begun = column > indent;
    }
    out
}

/// What is never broken, and how wide it is.
struct Piece {
    text: String,
    width: usize,
}

/// A line in pieces: a word with the spaces behind it, or a phrase of Japanese with what must stay beside it. What is quoted
/// stays whole, and so does a word in brackets. What colours a terminal has no width.
fn pieces(line: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut before: Option<char> = None;
    let (mut quoted, mut bracketed) = (false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let mut text = c.to_string();
        let mut width = c.width().unwrap_or(0);
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                text.push(c);
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
            width = 0;
        }
        let parts = |before: char| {
            may_part(before, c) && !quoted && (!bracketed || before == ' ' || before == '、' || c == '[')
        };
        let breaks = width > 0 && before.is_some_and(parts);
        match out.last_mut() {
            Some(piece) if !breaks => {
                piece.text.push_str(&text);
                piece.width += width;
            }
            _ => out.push(Piece { text, width }),
        }
        match c {
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        if width > 0 {
            before = Some(c);
        }
    }
    out
}

/// How a character is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Hiragana,
    Katakana,
    Kanji,
    /// Marks, and everything that is not Japanese.
    Other,
}

fn script(c: char) -> Script {
    match c {
        'ぁ'..='ゖ' => Script::Hiragana,
        'ァ'..='ヺ' | 'ー' => Script::Katakana,
        '一'..='鿿' | '々' => Script::Kanji,
        _ => Script::Other,
    }
}

/// Whether a line may end between two characters. Hiragana goes on with the word before it, and a run of Katakana or of
/// Kanji is one word: what is left are the places where somebody who reads aloud may breathe.
fn may_part(before: char, after: char) -> bool {
    if after == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    let wide = |c: char| c.width() == Some(2);
    let ends = "、。，．・：；？！".contains(before);
    (wide(before) || wide(after))
        && !NOT_LAST.contains(before)
        && !NOT_FIRST.contains(after)
        && match script(after) {
            Script::Hiragana => ends,
            Script::Other => true,
            same => script(before) != same,
        }
}

/// How far in a broken line goes on.
fn hanging(line: &str, width: usize) -> usize {
    let (mut column, mut spaces, mut started, mut in_escape) = (0, 0, false, false);
    let mut first = 0;
    for c in line.chars() {
        if in_escape || c == '\u{1b}' {
            in_escape = !c.is_ascii_alphabetic();
            continue;
        }
        if c == ' ' {
            spaces += 1;
        } else {
            if started && spaces >= 2 {
                return if column + 16 <= width { column } else { first };
            }
            if !started {
                first = column;
            }
            (started, spaces) = (true, 0);
        }
        column += c.width().unwrap_or(0);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_is_folded_between_phrases_and_never_where_a_mark_would_stand_alone() {
        for (line, width, folded) in [
            ("誤りをすべて、行と桁で示します。", 16, "誤りをすべて、\n行と桁で\n示します。"),
            ("お客様へのメッセージを示します", 18, "お客様への\nメッセージを\n示します"),
            ("これは「tabi go-live」です", 16, "これは「tabi\ngo-live」です"),
            ("時計 [既定値: 今日] のもの", 12, "時計\n[既定値:\n今日] のもの"),
            ("  tabi stop --reason \"価格の 誤り\"", 20, "  tabi stop --reason\n  \"価格の 誤り\""),
        ] {
            assert_eq!(fold(line, width), folded, "{line}");
        }
    }

    #[test]
    fn a_line_goes_on_under_its_description() {
        let folded = "  --to <名前>  メッセージを\n               届ける宛先です";
        assert_eq!(fold("  --to <名前>  メッセージを届ける宛先です", 32), folded);
        let folded = "\u{1b}[1m  abc\u{1b}[0m  あいう、えお、\n       かきくけこ";
        assert_eq!(fold("\u{1b}[1m  abc\u{1b}[0m  あいう、えお、かきくけこ", 24), folded);
    }
}
