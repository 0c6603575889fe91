//! The corpus: templates that are meant to bring the renderer down, by what they do.

/// Loops over `a` and `b` a milliard times.
pub(crate) fn loops(inner: &str) -> String {
    format!(
        "{{% for a in range(end=99999) %}}{{% for b in range(end=99999) %}}{inner}{{% endfor %}}{{% endfor %}}"
    )
}

/// A text of 512 KiB under the name `s`, then something.
fn long(unit: &str, then: &str) -> String {
    format!(
        "{{% set s = \"{unit}\" %}}{{% for a in range(end=16) %}}{{% set_global s = s ~ s %}}{{% endfor %}}{then}"
    )
}

fn often(inner: &str) -> String {
    format!("{{% for a in range(end=99999) %}}{{% set t = {inner} %}}{{% endfor %}}")
}

/// Bodies of a text message that has to be given up.
pub(crate) fn stopped() -> Vec<(&'static str, String)> {
    let list = "range(end=99999)";
    vec![
        ("two loops of nothing", loops("")),
        ("three loops of nothing", loops("{% for c in range(end=99999) %}{% endfor %}")),
        ("loops that count", loops("{% set x = a * b + a - b %}")),
        ("loops that compare", loops("{% if a == b %}{% endif %}")),
        ("loops that choose", loops("{% if a > b and b > 3 or a == 7 %}{% else %}{% endif %}")),
        ("loops over texts", loops("{% set x = \"x\" ~ a ~ b %}")),
        ("loops over lists", loops("{% set x = [a, b, [a, b]] %}")),
        ("loops that format numbers", loops("{% set t %}{{ a | number }}{% endset %}")),
        ("loops that format dates", loops("{% set t %}{{ now | date }}{% endset %}")),
        ("loops that format times", loops("{% set t %}{{ now | datetime }}{% endset %}")),
        ("loops that translate", loops("{% set t %}{{ t(key=\"count\", n=a) }}{% endset %}")),
        ("loops that test", loops("{% if a is odd or b is divisible_by(divisor=3) %}{% endif %}")),
        ("loops that round", loops("{% set t = 1.23456 | round(precision=3) %}")),
        ("loops that escape", loops("{% set t = \"a b/c?d=é\" | urlencode %}")),
        ("a text that doubles", "{% set s = \"xxxxxxxx\" %}{% for a in range(end=60) %}{% set_global s = s ~ s %}{% endfor %}".to_owned()),
        ("a wide text that doubles", "{% set s = \"旅館\" %}{% for a in range(end=60) %}{% set_global s = s ~ s %}{% endfor %}".to_owned()),
        ("a text that is replaced by more of itself", "{% set s = \"aaaa\" %}{% for a in range(end=40) %}{% set_global s = s | replace(from=\"a\", to=\"aaaa\") %}{% endfor %}".to_owned()),
        ("a text that is joined with itself", "{% set s = \"xx\" %}{% for a in range(end=60) %}{% set_global s = [s, s, s] | join(sep=s) %}{% endfor %}".to_owned()),
        ("a list that doubles", "{% set s = range(end=99999) %}{% for a in range(end=60) %}{% set_global s = [s, s, s, s] %}{% endfor %}{% set t %}{{ s }}{% endset %}".to_owned()),
        ("a list that is written out", "{% set s = range(end=99999) %}{% for a in range(end=60) %}{% set t = [s, s, s, s] | str %}{% endfor %}".to_owned()),
        ("too much output", "{% for a in range(end=99999) %}{{ \"0123456789abcdef\" }}{% endfor %}".to_owned()),
        ("too much output in loops", loops("0123456789")),
        ("too much output at once", long("0123456789abcdef", "{{ s }}{{ s }}")),
        ("a block that grows", format!("{{% set s %}}{}{{% endset %}}", loops("0123456789"))),
        ("a block of blocks", format!("{{% set s %}}{{% set t %}}{}{{% endset %}}{{{{ t }}}}{{% endset %}}", loops("旅"))),
        ("lists turned round", often(&format!("{list} | reverse | length"))),
        ("lists sorted", often(&format!("{list} | sort | length"))),
        ("lists without their doubles", often(&format!("{list} | unique | length"))),
        ("lists joined", often(&format!("{list} | join(sep=\"-\") | length"))),
        ("lists written", often(&format!("{list} | str | length"))),
        ("the last of a list", often(&format!("{list} | last"))),
        ("texts in capitals", long("straße ß", &often("s | upper | length"))),
        ("texts as titles", long("ab cd ef", &often("s | title | length"))),
        ("texts cut in letters", long("abcdefgh", &often("s | split(pat=\"\") | length"))),
        ("texts cut in words", long("a b c d ", &often("s | wordcount"))),
        ("texts trimmed", long("        ", &often("s | trim | length"))),
        ("texts truncated", long("abcd旅館", &often("s | truncate(length=300000) | length"))),
        ("texts indented", long("a\\nb\\nc\\nd", &often("s | indent(width=40) | length"))),
        ("texts replaced", long("abababab", &often("s | replace(from=\"ab\", to=\"ba\") | length"))),
        ("texts compared", long("abababab", &often("s ~ \"x\" == s ~ \"y\""))),
        ("texts searched", long("abababab", "{% for a in range(end=99999) %}{% if s is containing(pat=\"abababac\") %}{% endif %}{% endfor %}")),
        ("texts for addresses", long("é/?&é/?&", &often("s | urlencode | length"))),
        ("texts in small letters", long("ÄÖÜİẞ ab", &often("s | lower | length"))),
        ("texts with a capital", long("ßabc def", &often("s | capitalize | length"))),
        ("texts trimmed of marks", long("xxxxxxxx", &often("s | trim_start(pat=\"x\") | length"))),
        ("texts trimmed of marks at their ends", long("xxxxxxxx", &often("s | trim_end(pat=\"x\") | length"))),
        ("texts cut at marks", long("a-b-c-d-", &often("s | split(pat=\"-\") | join(sep=\"+\") | length"))),
        ("texts asked for their ends", long("abababab", "{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% if s is ending_with(pat=s) %}{% endif %}{% endfor %}{% endfor %}")),
        ("lists asked for their middle", often(&format!("{list} | nth(n=50000)"))),
        ("lists of lists that are compared", format!("{{% set s = {list} %}}{{% set u = {list} %}}{{% for a in range(end=99999) %}}{{% if s == u %}}x{{% endif %}}{{% endfor %}}")),
        ("lists asked for what they lack", format!("{{% set s = {list} %}}{{% for a in range(end=99999) %}}{{% if -1 in s %}}x{{% endif %}}{{% endfor %}}")),
        ("a list that grows with its loop", "{% set s = [1] %}{% for a in range(end=60) %}{% for b in s %}{% set_global s = [s, s] %}{% endfor %}{% endfor %}{% set t %}{{ s }}{% endset %}{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% endfor %}{% endfor %}".to_owned()),
        ("texts that translate texts", long("abcdefgh", &often("t(key=\"count\", n=s) | length"))),
        ("loops that tell money", loops("{% set t %}{{ a | money(currency=\"USD\") }}{% endset %}")),
        ("loops that tell percent", loops("{% set t %}{{ 0.5 | percent }}{% endset %}")),
    ]
}

/// Bodies that may come out or not, as long as that is decided soon: (name, file of the part, template).
pub(crate) fn bounded() -> Vec<(&'static str, &'static str, String)> {
    let text = "email/body.txt";
    let nearly_all = |unit: &str| {
        let unit = unit.repeat(64 / unit.len());
        let times = 900_000 / unit.len();
        format!("{{% for a in range(end={times}) %}}{unit}{{% endfor %}}")
    };
    vec![
        ("one word of a megabyte", text, nearly_all("abcdefghijklmnop")),
        ("wide letters without a space", text, nearly_all("旅館")),
        ("a family of joiners", text, nearly_all("👨\u{200d}👩\u{200d}👧\u{200d}👦")),
        ("marks upon marks", text, nearly_all("a\u{301}\u{302}\u{303}\u{304}\u{305}")),
        ("nothing but marks", text, nearly_all("\u{301}")),
        ("letters without width", text, nearly_all("\u{200b}\u{feff}")),
        ("right to left and back", text, nearly_all("\u{202e}א\u{202c}a")),
        ("nothing but lines", text, nearly_all("\n \n")),
        ("nothing but spaces", text, nearly_all("        ")),
        ("a subject of spaces", "email/subject.txt", nearly_all(" \n\t ")),
        (
            "a list that is longer than lists may be",
            text,
            "{% for a in range(end=100000000) %}{% endfor %}".to_owned(),
        ),
        (
            "a margin that is wider than memory",
            text,
            "{{ \"a\\nb\" | indent(width=99999999999) }}".to_owned(),
        ),
        (
            "numbers beyond numbers",
            text,
            "{% set x = 9 %}{% for a in range(end=200) %}{% set_global x = x * x %}{% endfor %}{{ x }}"
                .to_owned(),
        ),
        ("digits beyond digits", text, "{{ 1.5 | round(precision=999999999) }}".to_owned()),
    ]
}

/// Projects that have to be refused, or built, soon: (name, files).
pub(crate) fn compiled() -> Vec<(&'static str, Vec<(String, String)>)> {
    let body = |text: String| vec![("templates/m/sms/body.txt".to_owned(), text)];
    let with = |text: &str, path: &str, other: String| {
        vec![("templates/m/sms/body.txt".to_owned(), text.to_owned()), (path.to_owned(), other)]
    };
    let mut doubling = body("{% include \"blocks/b0.txt\" %}".to_owned());
    for depth in 0..7 {
        let next = format!("{{% include \"blocks/b{}.txt\" %}}", depth + 1);
        doubling.push((format!("templates/blocks/b{depth}.txt"), next.repeat(12)));
    }
    doubling.push(("templates/blocks/b7.txt".to_owned(), "x".to_owned()));
    let laughs: String =
        (1..10).map(|n| format!("-l{n} = {}\n", format!("{{ -l{} }}", n - 1).repeat(10))).collect();
    let select = |depth: usize| {
        let mut text = "x".to_owned();
        for _ in 0..depth {
            text = format!("{{ $n ->\n [one] a\n *[other] {text}\n }}");
        }
        format!("m-deep = {text}\n")
    };
    let ftl = "templates/locales/en/m.ftl";
    vec![
        ("four loops", body(format!("{}{}", loops(&loops("")), ""))),
        ("a block that holds itself", with("{% include \"blocks/a.txt\" %}", "templates/blocks/a.txt", "{% include \"blocks/a.txt\" %}".to_owned())),
        ("a layout that lies upon itself", with("{% extends \"layouts/a.txt\" %}", "templates/layouts/a.txt", "{% extends \"layouts/a.txt\" %}".to_owned())),
        ("blocks that multiply", doubling),
        ("conditions in conditions", body(format!("{}x{}", "{% if n > 0 %}".repeat(5_000), "{% endif %}".repeat(5_000)))),
        ("conditions without an end", body("{% if n > 0 %}".repeat(15_000))),
        ("one condition after another", body(format!("{{% if n == 0 %}}{}{{% endif %}}", "{% elif n == 1 %}x".repeat(10_000)))),
        ("brackets in brackets", body(format!("{{{{ {}n{} }}}}", "(".repeat(20_000), ")".repeat(20_000)))),
        ("lists in lists", body(format!("{{{{ {}n{} }}}}", "[".repeat(20_000), "]".repeat(20_000)))),
        ("not upon not", body(format!("{{% if {}true %}}x{{% endif %}}", "not ".repeat(20_000)))),
        ("minus upon minus", body(format!("{{{{ {}n }}}}", "-".repeat(40_000)))),
        ("filters upon filters", body(format!("{{{{ \"a\"{} }}}}", " | upper".repeat(20_000)))),
        ("texts upon texts", body(format!("{{{{ \"a\"{} }}}}", " ~ \"a\"".repeat(20_000)))),
        ("fields of fields", body(format!("{{{{ n{} }}}}", ".a".repeat(40_000)))),
        ("brackets without an end", body("{{ ".repeat(40_000))),
        ("remarks without an end", body("{# ".repeat(40_000))),
        ("texts without an end", body(format!("{{{{ {} }}}}", "\"a\\".repeat(20_000)))),
        ("a file that is too large", body("x".repeat(300 * 1024))),
        ("terms of terms", with("{{ t(key=\"m-laugh\") }}", ftl, format!("-l0 = ha\n{laughs}m-laugh = {{ -l9 }}\n"))),
        ("a term of itself", with("{{ t(key=\"m-laugh\") }}", ftl, "-l = { -l } { -l }\nm-laugh = { -l }\n".to_owned())),
        ("choices in choices", with("{{ t(key=\"m-deep\", n=n) }}", ftl, select(400))),
        ("placeables in placeables", with("{{ t(key=\"m-deep\") }}", ftl, format!("m-deep = {}\"x\"{}\n", "{ ".repeat(20_000), " }".repeat(20_000)))),
        ("sections in sections", with("x", "templates/m/email/body.mjml", format!("<mjml><mj-body>{}{}</mj-body></mjml>", "<mj-wrapper>".repeat(4_000), "</mj-wrapper>".repeat(4_000)))),
        ("entities of entities", with("x", "templates/m/email/body.mjml", "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><mjml><mj-body><mj-section><mj-column><mj-text>&c;</mj-text></mj-column></mj-section></mj-body></mjml>".to_owned())),
    ]
}
