//! What the engines below say about a file, in Japanese.
//!
//! The parsers of templates, YAML, Fluent and MJML speak English alone. Each sentence that an author may come to read
//! has its Japanese here. For one that is not here the place and the way out have to
//! do: half a sentence in another language would help nobody.

use words::{Phrases, Text};

/// `reason` in both languages behind what is wrong: `en: reason`, `ja：reason`.
pub(crate) fn because(en: &str, ja: &str, reason: &str) -> Text {
    let ja = match PHRASES.japanese(reason) {
        Some(reason) => format!("{ja}：{reason}"),
        None => ja.to_owned(),
    };
    Text::new(format!("{en}: {reason}"), ja)
}

const PHRASES: Phrases = Phrases::new(SENTENCES, WORDS);

const WORDS: &[(&str, &str)] = &[
    ("content", "本文"),
    ("raw content", "raw の本文"),
    ("comment", "コメント"),
    ("identifier", "名前"),
    ("ident", "名前"),
    ("string", "文字列"),
    ("a string", "文字列"),
    ("integer", "整数"),
    ("float", "小数"),
    ("bool", "真偽値"),
    ("boolean", "真偽値"),
    ("number", "数値"),
    ("array", "リスト"),
    ("map", "項目の集まり"),
    ("text", "文字列"),
    ("undefined", "値なし"),
    ("none", "値なし"),
    ("an amount of money", "金額"),
    ("money", "金額"),
    ("a date or a time", "日付か日時"),
    ("a date", "日付"),
    ("a time", "日時"),
    ("a number", "数値"),
    ("a list", "リスト"),
    ("the customer", "customer"),
    ("a map", "項目の集まり"),
    ("nothing", "値なし"),
    ("true or false", "真偽値"),
    ("a duration", "時間の長さ"),
    ("an absent value", "値なし"),
    ("this", "ほかの型の値"),
    ("`...`", "..."),
];

/// English as the engines say it, Japanese as an author reads it. The first that fits is taken.
const SENTENCES: &[(&str, &str)] = &[
    // Templates, as they are read.
    ("Unexpected end of input", "途中で終わっています"),
    ("Unexpected character", "ここに置けない文字があります"),
    ("Unknown tag", "このようなタグはありません"),
    ("Invalid float", "小数として読めません"),
    ("Invalid Integer", "整数として読めません"),
    ("String opened with `{}` is missing its closing `{}`", "{} で始まる文字列が閉じられていません"),
    ("Closing comment tag `{}` not found", "コメントが {} で閉じられていません"),
    ("The expression is too complex", "式が複雑すぎます"),
    ("The template nesting is too deep", "入れ子が深すぎます"),
    ("Identifiers can only have up to {} nested brackets.", "[ ] の入れ子は {} 段までです"),
    ("Arrays can have a maximum of {} dimensions.", "リストの入れ子は {} 段までです"),
    (
        "Found invalid field of `loop`: {}. Only {} exist.",
        "loop に「{}」はありません。使えるのは index、index0、first、last、length です",
    ),
    ("Function calls are only allowed at the first element of a chain", "関数は先頭でだけ呼び出せます"),
    ("Keyword argument `{}` is defined more than once", "引数「{}」が二度書かれています"),
    (
        "Found {} but was expecting `elif`, `else` or `endif`.",
        "elif、else、endif のどれかが必要なところに {} があります",
    ),
    ("Found {} but expected one of: {}", "式が必要なところに {} があります"),
    ("Found {} but expected {}.", "{} がありますが、必要なのは {} です"),
    ("Found {} but expected {}", "{} がありますが、必要なのは {} です"),
    ("`{}` is not allowed after `~`", "~ の後に {} は置けません"),
    (
        "Invalid syntax for `set`: expecting an `=` followed by an expression or a `%}`",
        "set には「=」と式が必要です",
    ),
    (
        "{} is a reserved keyword of Tera, it cannot be assigned to.",
        "「{}」は予約語なので、値を入れられません",
    ),
    ("`{}` cannot be used inside a {}", "ここで「{}」は使えません"),
    ("{} can only be used in a for loop", "「{}」は for の中でだけ使えます"),
    ("List comprehensions support only a single `for` clause.", "リスト内包に書ける for は一つだけです"),
    ("Template is already extending `{}`", "extends が二度書かれています（「{}」を継承済み）"),
    ("Blocks cannot be written inside a {}.", "block はここには置けません"),
    ("Template already contains a block named `{}`", "block「{}」が二度書かれています"),
    ("Template already contains a component named `{}`", "部品「{}」が二度書かれています"),
    (
        "This content would be ignored: only `extends`, `block` and `component` are allowed at the top level of a child template.",
        "block の外に書かれているため、表示されません",
    ),
    ("Component definitions cannot be written in another tag.", "部品の定義はほかのタグの中に置けません"),
    ("Unclosed component '{}'", "部品「{}」が閉じられていません"),
    ("Closing tag '{}' doesn't match opening tag '{}'", "閉じる側の名前「{}」が、開いた側の「{}」と違います"),
    // Templates, as they are filled in.
    ("`{}` wants {}, not {}", "「{}」に渡せるのは{}です（渡されたのは{}）"),
    ("Unknown filter `{}`", "「{}」というフィルターはありません"),
    ("Filter `{}` is not registered", "「{}」というフィルターはありません"),
    ("Unknown function `{}`", "「{}」という関数はありません"),
    ("Unknown test `{}`", "「{}」という判定はありません"),
    ("Unknown template `{}`", "「{}」というテンプレートはありません"),
    ("Unknown component `{}`", "「{}」という部品はありません"),
    ("Cannot divide by 0", "0 で割っています"),
    ("Slicing step cannot be 0", "0 ずつは進めません"),
    ("Slicing can only be used on arrays or strings, not on `{}`.", "{}の一部は取り出せません"),
    ("Only numbers can be used in arithmetic. This is a `{}`", "計算できるのは数値だけです（これは{}）"),
    ("Only numbers can be negated. This is a `{}`", "符号を変えられるのは数値だけです（これは{}）"),
    ("Cannot sort: `{}` and `{}` are not comparable", "並べ替えられません：{}と{}は比べられません"),
    ("`in` cannot be used on a container of type `{}`. {}", "{}に in は使えません"),
    (
        "This filter can only be used on a number, received `{}`.",
        "このフィルターは数値にだけ使えます（渡されたのは{}）",
    ),
    ("Value of type {} has no length", "{}に長さはありません"),
    ("Value of type {} cannot be reversed", "{}は逆順にできません"),
    ("Value of type {} cannot be converted to a float", "{}は小数に変換できません"),
    ("Value of type {} cannot be converted to an int", "{}は整数に変換できません"),
    ("The string `{}` cannot be converted to a float", "「{}」は小数に変換できません"),
    ("The string `{}` cannot be converted to an int in base {}", "「{}」は整数に変換できません"),
    ("Unable to perform {}", "計算できません：{}"),
    ("no such translation", "翻訳がありません"),
    ("no translation of `{}`", "「{}」の翻訳がありません"),
    ("this value is absent", "値がありません"),
    ("used outside of a message", "メッセージの外では使えません"),
    // Fluent.
    ("Expected a token starting with \"{}\"", "「{}」が必要です"),
    ("Expected one of \"{}\"", "使える文字は {} です"),
    ("Expected a message field for \"{}\"", "「{}」に訳文がありません"),
    ("Expected a term field for \"{}\"", "用語「{}」に訳文がありません"),
    ("Callee is not allowed here", "ここで関数は呼び出せません"),
    ("The select expression must have a default variant", "選択肢に既定のもの（* 付き）がありません"),
    ("A select expression can only have one default variant", "既定の選択肢（* 付き）は一つだけです"),
    ("Expected a value", "値が必要です"),
    ("Message references can't be used as a selector", "ほかの訳文では選び分けられません"),
    ("Term references can't be used as a selector", "用語では選び分けられません"),
    ("Message attributes can't be used as a selector", "訳文の属性では選び分けられません"),
    ("Term attributes can't be used as a selector", "用語の属性はここに置けません"),
    ("Unterminated string literal", "文字列が閉じられていません"),
    (
        "Positional arguments must come before named arguments",
        "名前のない引数は、名前付きの引数より前に書きます",
    ),
    ("The \"{}\" argument appears twice", "引数「{}」が二度書かれています"),
    ("Unknown escape sequence", "使えないエスケープがあります"),
    ("Invalid unicode escape sequence, \"{}\"", "文字番号「{}」が正しくありません"),
    ("Unbalanced closing brace", "閉じる } に対応する { がありません"),
    ("Expected an inline expression", "{ } の中に式が必要です"),
    ("Expected a simple expression as selector", "選び分ける値には、単純な式を書きます"),
    ("Expected a string or number literal", "文字列か数値が必要です"),
    // MJML.
    ("unexpected element in {}", "ここに置けない要素があります"),
    ("unexpected token in {}", "ここに置けない文字があります"),
    ("missing attribute {} in element in {}", "属性 {} がありません"),
    ("invalid attribute in {}", "属性が正しくありません"),
    ("invalid format in {}", "書き方が正しくありません"),
    ("unexpected end of stream in {}", "途中で終わっています"),
    ("size limit reached in {}", "大きすぎます"),
    ("unable to parse next template in {}", "タグの書き方が正しくありません"),
    ("unable to find mjml element", "mjml 要素がありません"),
    ("unable to load included template in {}", "ほかのファイルは取り込めません"),
    // YAML.
    ("unclosed bracket '{}'", "括弧「{}」が閉じられていません"),
    ("mismatched bracket '{}' closed by '{}'", "括弧「{}」が「{}」で閉じられています"),
    ("misplaced bracket", "括弧の位置が正しくありません"),
    ("unclosed quote", "引用符が閉じられていません"),
    ("unexpected EOF while parsing {}", "途中で終わっています"),
    ("unexpected eof", "途中で終わっています"),
    (
        "while parsing a block mapping, did not find expected key",
        "キーが必要です（字下げがずれていないか確かめてください）",
    ),
    ("while parsing a flow mapping, did not find expected ',' or '}'", "「,」か「}」が必要です"),
    ("while parsing a flow sequence, expected ',' or ']'", "「,」か「]」が必要です"),
    (
        "while parsing a block collection, did not find expected '-' indicator",
        "「-」が必要です（字下げがずれていないか確かめてください）",
    ),
    ("while parsing a node, did not find expected node content", "値が必要です"),
    ("while parsing node, found unknown anchor", "「*」の指す名前がありません"),
    ("while scanning an anchor or alias, {}", "「&」や「*」の後に名前がありません"),
    ("simple key expected ':'", "キーの後に「:」が必要です"),
    ("simple key is no longer valid", "キーの後に「:」が必要です"),
    ("invalid indentation", "字下げが正しくありません"),
    ("invalid indentation in {}", "字下げが正しくありません"),
    ("wrongly indented line in block scalar", "字下げが正しくありません"),
    ("tab{} be used as indentation", "字下げにタブは使えません"),
    ("tabs disallowed {}", "字下げにタブは使えません"),
    ("a block scalar content cannot start with a tab", "字下げにタブは使えません"),
    ("while scanning a plain scalar, found a tab", "ここにタブは置けません"),
    ("unexpected character: `{}'", "ここに「{}」は置けません"),
    ("comments must be separated from other tokens by whitespace", "「#」の前には空白が必要です"),
    ("comment intercepting the multiline text", "複数行の文の途中にコメントは置けません"),
    ("block sequence entries are not allowed in this context", "ここに「-」の行は置けません"),
    ("'-' must be followed by a valid YAML whitespace", "「-」の後には空白が必要です"),
    ("':' must be followed by a valid YAML whitespace", "「:」の後には空白が必要です"),
    ("illegal placement of ':' indicator", "ここに「:」は置けません"),
    ("mapping values are not allowed in this context", "ここに「:」は置けません"),
    ("mapping keys are not allowed in this context", "ここにキーは置けません"),
    ("plain scalar cannot start with {}", "「-」で始まる文は引用符で囲みます"),
    ("unexpected end of plain scalar", "途中で終わっています"),
    ("while parsing a quoted scalar, found unknown escape character", "使えないエスケープがあります"),
    ("while parsing a quoted scalar, {}", "文字番号のエスケープが正しくありません"),
    ("while scanning a quoted scalar, found unexpected document indicator", "引用符が閉じられていません"),
    ("invalid trailing content after {}", "閉じた引用符の後に、余分な文字があります"),
    ("invalid content after document end marker", "文書の終わりの後に、余分な文字があります"),
    ("while scanning a block scalar, {}", "「|」や「>」の書き方が正しくありません"),
    ("while parsing a tag{}", "「!」で始まるタグの書き方が正しくありません"),
    ("while scanning a{}tag, {}", "「!」で始まるタグの書き方が正しくありません"),
    ("while scanning a{}directive, {}", "「%」で始まる行の書き方が正しくありません"),
    ("the handle wasn't declared", "宣言されていないタグがあります"),
    ("duplicate version directive", "バージョンの指定が二度書かれています"),
    ("unsupported YAML major version", "この YAML のバージョンには対応していません"),
    ("recursion limit exceeded", "入れ子が深すぎます"),
    ("a BOM must not appear inside a document", "文の途中に BOM（U+FEFF）があります"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_say_reads_in_japanese_and_what_nobody_translated_is_left_out() {
        for (english, japanese) in [
            ("Unexpected end of input", "途中で終わっています"),
            ("Found `%}` but expected string.", "%} がありますが、必要なのは 文字列 です"),
            ("String opened with `\"` is missing its closing `\"`", "\" で始まる文字列が閉じられていません"),
            (
                "`money` wants an amount of money, not text",
                "「money」に渡せるのは金額です（渡されたのは文字列）",
            ),
            ("Expected a token starting with \"}\"", "「}」が必要です"),
            ("unclosed bracket '{'", "括弧「{」が閉じられていません"),
            ("unexpected element in root template at position 3..8", "ここに置けない要素があります"),
            ("tab cannot be used as indentation", "字下げにタブは使えません"),
        ] {
            assert_eq!(PHRASES.japanese(english).as_deref(), Some(japanese), "{english}");
        }
        assert_eq!(because("a", "b", "something new").ja, "b");
        assert_eq!(because("a", "b", "unclosed quote").ja, "b：引用符が閉じられていません");
    }

    #[test]
    fn no_phrase_hides_another() {
        assert_eq!(PHRASES.unreachable(), None);
    }
}
