//! What a reply means: STOP, START, HELP.
//!
//! A keyword is the whole message: "the bus stop" does not unsubscribe.
//! Sources: 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe); CTIA «Messaging Principles and
//! Best Practices» and Twilio «Advanced Opt-Out» (STOPALL, OPTOUT, UNSTOP, INFO); AWS «Opting out» (REMOVE, ARRET, TD);
//! the Japanese words and those of other languages are ours.

use channel::Keyword;
use unicode_normalization::UnicodeNormalization;

/// Understood whatever language the customer reads: no word here means something else elsewhere as a whole message.
const EVERYWHERE: &[(Keyword, &[&str])] = &[
    (
        Keyword::Stop,
        &[
            "stop",
            "stopall",
            "stop all",
            "quit",
            "end",
            "revoke",
            "optout",
            "opt out",
            "cancel",
            "unsubscribe",
            "remove",
            "arret",
            "td",
            "配信停止",
            "停止",
            "解除",
            "配信解除",
            "登録解除",
            "ストップ",
        ],
    ),
    (Keyword::Start, &["start", "unstop", "配信再開", "再開"]),
    (Keyword::Help, &["help", "info", "ヘルプ"]),
];

/// Understood where the customer reads that language.
const BY_LANGUAGE: &[(&str, Keyword, &[&str])] = &[
    ("de", Keyword::Stop, &["stopp", "abmelden", "abbestellen", "ende"]),
    ("de", Keyword::Help, &["hilfe"]),
    ("es", Keyword::Stop, &["alto", "baja", "parar", "cancelar", "detener"]),
    ("es", Keyword::Help, &["ayuda"]),
    ("fr", Keyword::Stop, &["arreter", "desabonner", "desinscrire", "fin"]),
    ("fr", Keyword::Help, &["aide"]),
    ("it", Keyword::Stop, &["ferma", "basta", "annulla"]),
    ("it", Keyword::Help, &["aiuto"]),
    ("ja", Keyword::Stop, &["中止", "退会", "配信停止希望", "受信拒否", "拒否"]),
    ("ja", Keyword::Start, &["スタート", "開始", "配信開始"]),
    ("ja", Keyword::Help, &["使い方", "問い合わせ"]),
    ("ko", Keyword::Stop, &["수신거부", "중지"]),
    ("pt", Keyword::Stop, &["pare", "parar", "sair", "cancelar"]),
    ("pt", Keyword::Help, &["ajuda"]),
    ("zh", Keyword::Stop, &["停", "退订", "退訂", "取消"]),
];

/// What `text`, as a whole, asks for; `None` where it is not a keyword. `locale` is a locale or a language (`ja`,
/// `fr-CA`), empty where none is known.
///
/// Case, width (`ＳＴＯＰ`), accents, surrounding punctuation and the space, hyphen or nothing between two words make no
/// difference. `YES` is not a start: it answers too many other questions.
pub fn keyword(text: &str, locale: &str) -> Option<Keyword> {
    let said = plain(text);
    if said.is_empty() {
        return None;
    }
    let language = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let own =
        BY_LANGUAGE.iter().filter(|(of, ..)| *of == language).map(|(_, keyword, words)| (keyword, words));
    let everywhere = EVERYWHERE.iter().map(|(keyword, words)| (keyword, words));
    everywhere
        .chain(own)
        .find(|(_, words)| words.iter().any(|word| plain(word) == said))
        .map(|(keyword, _)| *keyword)
}

/// NFKC, lower case, accents off Latin letters, punctuation and symbols to spaces, single spaces.
fn plain(text: &str) -> String {
    let mut out = String::new();
    // Longer than any keyword by far: a hostile message costs nothing.
    let text = text.trim();
    if text.chars().nth(100).is_some() {
        return out;
    }
    for c in text.nfkc().flat_map(char::to_lowercase) {
        let base = c.nfd_base();
        if base.is_alphanumeric() {
            out.push(base);
        } else if c != '\u{200b}' && c != '\u{feff}' && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

trait Base {
    /// The letter without its accent, for Latin letters; kana keep their voicing marks.
    fn nfd_base(self) -> char;
}

impl Base for char {
    fn nfd_base(self) -> char {
        if matches!(self, '\u{c0}'..='\u{24f}') { self.nfd().next().unwrap_or(self) } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, locale: &str, expected: Option<Keyword>) {
        assert_eq!(keyword(text, locale), expected, "{text} in {locale}");
    }

    #[test]
    fn one_word_stops_in_any_case_width_and_punctuation() {
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "\"STOP\"",
            "ＳＴＯＰ",
            "stop!!!",
            "STOP ALL",
            "StopAll",
            "QUIT",
            "end",
            "Revoke",
            "OPT OUT",
            "opt-out",
            "OPTOUT",
            "cancel",
            "Unsubscribe",
            "REMOVE",
            "ARRET",
            "Arrêt",
            "TD",
            "配信停止",
            "停止",
            "解除",
            "「停止」",
            "配信停止。",
            "ｽﾄｯﾌﾟ",
            "stop\u{200b}",
            "停止\u{feff}",
            "STOP 🛑",
            "*stop*",
        ] {
            check(text, "en", Some(Keyword::Stop));
            check(text, "ja-JP", Some(Keyword::Stop));
            check(text, "", Some(Keyword::Stop));
        }
    }

    #[test]
    fn a_word_inside_a_sentence_stops_nothing() {
        for text in [
            "the bus stop",
            "stop by tomorrow?",
            "Don't stop",
            "non-stop",
            "please cancel my order",
            "the end is near",
            "営業停止中ですか",
            "解除の方法を教えて",
            "unstoppable",
            "stops",
            "",
            "   ",
            "🛑",
            "s t o p",
        ] {
            check(text, "en", None);
            check(text, "ja", None);
        }
    }

    #[test]
    fn start_and_help_are_heard_too() {
        check("UNSTOP", "en", Some(Keyword::Start));
        check("Start", "ja", Some(Keyword::Start));
        check("再開", "ja", Some(Keyword::Start));
        check("help?", "en", Some(Keyword::Help));
        check("ヘルプ", "ja", Some(Keyword::Help));
        check("yes", "en", None);
    }

    #[test]
    fn a_word_of_one_language_is_plain_talk_in_another() {
        check("alto", "es-MX", Some(Keyword::Stop));
        check("alto", "it", None);
        check("Désinscrire", "fr_CA", Some(Keyword::Stop));
        check("fin", "fr", Some(Keyword::Stop));
        check("fin", "en", None);
        check("退会", "ja", Some(Keyword::Stop));
        check("退会", "en", None);
    }

    #[test]
    fn a_long_message_is_no_keyword() {
        check(&format!("{}stop", " ".repeat(300)), "en", Some(Keyword::Stop));
        check(&format!("stop{}by", " ".repeat(300)), "en", None);
        check(&"stop ".repeat(100_000), "en", None);
    }
}
