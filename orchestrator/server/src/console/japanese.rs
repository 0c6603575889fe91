//! Why something was not taken in, in Japanese.
//!
//! The API answers in English, and the reason is kept as it was answered. The console says it in the reader's language;
//! what is not here stays in English.

use words::Phrases;

/// The reasons of what was refused at a door.
pub(crate) const REFUSALS: Phrases = Phrases::new(SENTENCES, WORDS);

const WORDS: &[(&str, &str)] = &[
    ("property", "プロパティ"),
    ("trait", "属性"),
    ("input", "入力"),
    ("field", "項目"),
    ("text", "文字列"),
    ("int", "整数"),
    ("float", "小数"),
    ("bool", "真偽値"),
    ("money", "金額"),
    ("time", "日時"),
    ("date", "日付"),
    ("duration", "時間の長さ"),
    ("any", "値"),
    ("nothing", "値なし"),
    ("true or false", "真偽値"),
    ("a number", "数値"),
    ("a text that does not read as one", "そう読めない文字列"),
    ("a list", "リスト"),
    ("a map", "項目の集まり"),
    ("a number with a fraction or too large", "小数か、大きすぎる数値"),
];

const SENTENCES: &[(&str, &str)] = &[
    // About whom and what.
    (
        "it says nothing about whom: give `userId` or `anonymousId`",
        "誰についてか分かりません。userId か anonymousId を付けてください",
    ),
    (
        "`event` is not a text: it is the name of what happened, like \"order_placed\"",
        "event は文字列で書いてください。起きたことの名前です（例：\"order_placed\"）",
    ),
    ("`event` is missing: the event's name", "event（イベントの名前）がありません"),
    (
        "`type` is missing: identify, track, page, screen, group or alias",
        "type がありません。identify、track、page、screen、group、alias のどれかを書いてください",
    ),
    (
        "`type` is none of identify, track, page, screen, group, alias",
        "type は identify、track、page、screen、group、alias のどれかです",
    ),
    ("a message is a map", "メッセージは項目の集まり（オブジェクト）で送ってください"),
    ("the message has more than 32 KB", "メッセージが 32 KB を超えています"),
    (
        "this customer was erased; a new customer needs a new user id",
        "このお客様の情報は消去済みです。新しいお客様には新しい ID を付けてください",
    ),
    (
        "Tabi itself tells events of this name; nobody outside may. Choose another name",
        "この名前のイベントは Tabi 自身が使います。別の名前にしてください",
    ),
    ("browser keys may only identify and track", "ブラウザー用のキーでできるのは identify と track だけです"),
    (
        "browser keys may only send events that the schema marks `from_browser: true`",
        "ブラウザー用のキーで送れるのは、「from_browser: true」と宣言したイベントだけです",
    ),
    ("there is no channel `{}`; there are: {}", "「{}」というチャネルはありません。使えるもの：{}"),
    ("there is no such purpose; declared are: {}", "その目的は宣言されていません。宣言されているもの：{}"),
    (
        "`context.consent.categoryPreferences` is not a map of true and false",
        "context.consent.categoryPreferences は、true か false の集まりで書いてください",
    ),
    (
        "trait `phone` is a national number and the customer's country is not known: it was kept as a trait. Send it with + and the country code, or send `address.country`",
        "電話番号が国内の形式で、お客様の国が分からないため、属性としてだけ保存しました。+ と国番号を付けるか、address.country を送ってください",
    ),
    ("the delivery does not say what it is about", "何についての通知か分かりません"),
    // Files.
    ("it has {} fields, the header has {}", "列が {} 個ありますが、見出しは {} 個です"),
    (
        "it is not UTF-8: save the file as UTF-8 and import it again",
        "UTF-8 ではありません。UTF-8 で保存し直して、もう一度取り込んでください",
    ),
    ("a line is a JSON object", "1 行に 1 つの JSON オブジェクトを書いてください"),
    ("the line has more than a megabyte", "1 行が 1 MB を超えています"),
    (
        "a grant of consent needs `consent_at`: when it was given",
        "同意には、いつ得たかを示す consent_at が必要です",
    ),
    ("the row does not say which event", "どのイベントか分かりません"),
    // Values.
    ("it is not an instant, like `2026-11-21T09:30:00Z`", "日時として読めません（例：2026-11-21T09:30:00Z）"),
    (
        "`{}` is not an instant, like `2026-11-21T09:30:00Z`",
        "「{}」は日時として読めません（例：2026-11-21T09:30:00Z）",
    ),
    ("it is not a text", "文字列ではありません"),
    ("it is not a locale, like `ja` or `en-US`", "言語として読めません（例：ja、en-US）"),
    ("it is not a time zone, like `Asia/Tokyo`", "タイムゾーンとして読めません（例：Asia/Tokyo）"),
    (
        "there is no country of this code (ISO 3166-1), like `JP` or `US`",
        "この国コード（ISO 3166-1）の国はありません（例：JP、US）",
    ),
    ("it is not a phone number that can exist", "実在しえない電話番号です"),
    ("it is not a phone number", "電話番号として読めません"),
    (
        "a trait's name is empty, too long, or has control characters",
        "属性の名前が空か、長すぎるか、制御文字を含みます",
    ),
    (
        "{} has a name that is empty, too long, or has control characters",
        "{}の名前が空か、長すぎるか、制御文字を含みます",
    ),
    ("{} `{}` is not declared; declared are: {}", "{}「{}」は宣言されていません。宣言されているもの：{}"),
    ("{} `{}` is missing", "{}「{}」がありません"),
    ("{} `{}`: {}", "{}「{}」：{}"),
    ("`{}` is missing", "「{}」がありません"),
    ("`{}` is neither yes nor no", "「{}」は yes か no で書いてください"),
    ("`{}`: {}", "「{}」：{}"),
    ("element {}: {}", "{} 番目：{}"),
    ("expected money in {}, found {}", "{} の金額が必要ですが、{}です"),
    ("expected list of {}, found {}", "{}のリストが必要ですが、{}です"),
    ("expected {}, found {}", "{}が必要ですが、{}です"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_in_japanese_part_by_part() {
        for (english, japanese) in [
            (
                "property `total`: expected money in JPY, found a list; property `order_id` is missing",
                "プロパティ「total」：JPY の金額が必要ですが、リストです。プロパティ「order_id」がありません",
            ),
            ("trait `phone`: it is not a phone number", "属性「phone」：電話番号として読めません"),
            (
                "there is no such purpose; declared are: news, offers",
                "その目的は宣言されていません。宣言されているもの：news、offers",
            ),
            ("who knows", "who knows"),
        ] {
            assert_eq!(REFUSALS.each(english), japanese);
        }
        assert_eq!(REFUSALS.unreachable(), None);
    }
}
