//! How many parts a text takes.
//!
//! Source: 3GPP TS 23.038 sections 6.2.1 and 6.2.1.1 (the GSM 7 bit default alphabet and its extension table) and TS 23.040
//! section 9.2.3.24.1 (concatenation with an 8-bit reference: 6 bytes of each part's 140).
//! Invariant: an extension character or a surrogate pair is never split over two parts.

/// How a text is written on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM 03.38, 7 bits a unit: 160 units, or 153 in each of several parts.
    Gsm7,
    /// UCS-2, 16 bits a unit: 70 units, or 67 in each of several parts.
    Ucs2,
}

/// What a text takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    /// How it is written.
    pub encoding: Encoding,
    /// Units in all: septets, or 16-bit units.
    pub units: usize,
    /// Parts; an empty text takes one.
    pub parts: usize,
    /// The characters that are not in GSM 03.38 and switch the whole text to UCS-2, each once, in order of appearance:
    /// what a lint shows to the author (a typographic quote, a no-break space, an emoji).
    pub not_gsm: Vec<char>,
}

impl Encoding {
    /// Units of a text in one part.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units of each of several parts.
    pub const fn multiple(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }
}

/// The default alphabet, without ESC.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table: ESC and one more septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The septets of a character, `None` where GSM 03.38 has none.
fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Counts the parts of `text`.
pub fn segments(text: &str) -> Segments {
    let mut not_gsm = Vec::new();
    for c in text.chars().filter(|c| septets(*c).is_none()) {
        if !not_gsm.contains(&c) {
            not_gsm.push(c);
        }
    }
    let (encoding, widths): (_, Vec<usize>) = if not_gsm.is_empty() {
        (Encoding::Gsm7, text.chars().filter_map(septets).collect())
    } else {
        (Encoding::Ucs2, text.chars().map(char::len_utf16).collect())
    };
    let units = widths.iter().sum();
    let parts = if units <= encoding.single() { 1 } else { packed(&widths, encoding.multiple()) };
    Segments { encoding, units, parts, not_gsm }
}

/// Parts of `room` units when no character may be split.
fn packed(widths: &[usize], room: usize) -> usize {
    let mut parts = 1;
    let mut used = 0;
    for width in widths {
        if used + width > room {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, encoding: Encoding, units: usize, parts: usize) {
        let counted = segments(text);
        assert_eq!((counted.encoding, counted.units, counted.parts), (encoding, units, parts));
    }

    #[test]
    fn latin_text_takes_160_then_153() {
        check("", Encoding::Gsm7, 0, 1);
        for (length, parts) in [(160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            check(&"a".repeat(length), Encoding::Gsm7, length, parts);
        }
    }

    #[test]
    fn japanese_text_takes_70_then_67() {
        for (length, parts) in [(70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)] {
            check(&"旅".repeat(length), Encoding::Ucs2, length, parts);
        }
    }

    #[test]
    fn every_extension_character_costs_two() {
        for c in "^{}[]~\\|€\u{c}".chars() {
            check(&c.to_string(), Encoding::Gsm7, 2, 1);
        }
        check(&"€".repeat(80), Encoding::Gsm7, 160, 1);
        check(&"€".repeat(81), Encoding::Gsm7, 162, 2);
    }

    #[test]
    fn an_extension_character_is_never_split() {
        // 152 units, then one of two units: the 153rd unit of the first part stays empty.
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(151));
        check(&text, Encoding::Gsm7, 305, 2);
        check(&format!("{text}a"), Encoding::Gsm7, 306, 3);
    }

    #[test]
    fn a_surrogate_pair_is_never_split() {
        // 66 units, then a pair: the 67th unit of the first part stays empty.
        let text = format!("{}😀{}", "旅".repeat(66), "旅".repeat(65));
        check(&text, Encoding::Ucs2, 133, 2);
        check(&format!("{text}旅"), Encoding::Ucs2, 134, 3);
        check(&"😀".repeat(35), Encoding::Ucs2, 70, 1);
        check(&"😀".repeat(36), Encoding::Ucs2, 72, 2);
        // Thirty-three pairs a part, not thirty-three and a half.
        check(&"😀".repeat(67), Encoding::Ucs2, 134, 3);
    }

    #[test]
    fn one_foreign_character_switches_the_whole_text_and_is_named() {
        let counted = segments("It’s here,\u{a0}it’s yours");
        assert_eq!(counted.encoding, Encoding::Ucs2);
        assert_eq!(counted.not_gsm, ['’', '\u{a0}']);
    }

    #[test]
    fn the_alphabet_has_its_127_characters_and_no_escape() {
        let mut all: Vec<char> = BASIC.chars().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 127);
        assert_eq!(segments("\u{1b}").encoding, Encoding::Ucs2);
        assert_eq!(segments("`").encoding, Encoding::Ucs2);
    }
}
