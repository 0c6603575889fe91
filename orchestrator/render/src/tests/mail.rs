//! What a customer reads.

use super::project::{codes, compiled, email, request, sms};
use crate::{Content, RenderError};
use words::{Currency, Money, Timestamp, Value};

const SMS: &str = "use: service\ninputs:\n  n: int\n  total: money\n  when: time\n";

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn plurals_numbers_money_and_dates_follow_the_language() {
    let templates = compiled(&[
        ("m/message.yaml", SMS),
        (
            "m/sms/body.txt",
            "{{ t(key=\"said\", n=n, total=total) }} {{ when }} {{ when | date(style=\"full\") }} {{ n }}",
        ),
        (
            "locales/en/m.ftl",
            "said = { $n ->\n    [one] one thing\n   *[other] { $n } things\n} for { $total }\n",
        ),
        ("locales/ja/m.ftl", "said = { $n }点、{ $total }\n"),
    ]);
    let inputs = |n, total| {
        [
            ("n", Value::Int(n)),
            ("total", Value::Money(total)),
            ("when", Value::Time(Timestamp::parse("2026-11-21T10:30:00Z").unwrap())),
        ]
    };
    let dollars = Money::new(2990, Currency::USD);
    let yen = Money::new(1000, Currency::JPY);
    assert_eq!(
        sms(&templates, "en", &inputs(1, dollars)),
        "one thing for $29.90 November 21, 2026 at 7:30\u{a0}PM Saturday, November 21, 2026 1"
    );
    assert_eq!(
        sms(&templates, "en", &inputs(1234, yen)),
        "1,234 things for ¥1,000 November 21, 2026 at 7:30\u{a0}PM Saturday, November 21, 2026 1,234"
    );
    assert_eq!(
        sms(&templates, "ja", &inputs(1234, yen)),
        "1,234点、1,000円 2026年11月21日 19:30 2026年11月21日(土) 1,234"
    );
    assert_eq!(sms(&templates, "fr", &inputs(1, yen)), sms(&templates, "en", &inputs(1, yen)));
}

fn mail() -> Vec<(&'static str, &'static str)> {
    vec![
        ("m/message.yaml", "use: service\ninputs: {x: text, big: text?}\n"),
        ("m/email/subject.txt", "Hi {{ x }}\n"),
        (
            "m/email/body.html",
            "<!doctype html><html lang=\"{{ locale }}\"><body><p title=\"{{ x }}\">{{ t(key=\"p\", x=x) }}</p>\
             <p>{{ t_html(key=\"rich\", x=x) }}</p><p>{{ brand.name }} <a href=\"{{ links.view_url }}\">view</a></p></body></html>",
        ),
        ("locales/en/m.ftl", "p = <{ $x }>\nrich = <b>{ $x }</b>\n"),
        ("locales/ja/m.ftl", "p = <{ $x }>\nrich = <b>{ $x }</b>\n"),
    ]
}

#[test]
fn what_an_input_brings_is_text_and_never_markup() {
    let templates = compiled(&mail());
    let evil = "<script>\"'&";
    let mail = email(templates.render(&request("m", "email", "en", &[("x", text(evil))])).unwrap());
    assert!(!mail.html.contains("<script"), "{}", mail.html);
    assert!(mail.html.contains("title=\"&lt;script&gt;&quot;"), "{}", mail.html);
    assert!(mail.html.contains("\">&lt;&lt;script&gt;"), "{}", mail.html);
    assert!(mail.html.contains("<b>&lt;script&gt;"), "{}", mail.html);
    assert!(mail.text.contains(evil), "{}", mail.text);
}

#[test]
fn a_line_break_in_an_input_adds_no_header() {
    let templates = compiled(&mail());
    let evil = "a\r\nBcc: all@example.com\u{2028}\0b";
    let mail = email(templates.render(&request("m", "email", "en", &[("x", text(evil))])).unwrap());
    assert_eq!(mail.subject, "Hi a Bcc: all@example.com b");
    let mut evil = request("m", "email", "en", &[("x", text("x"))]);
    evil.links.unsubscribe_url = "https://t.example/\r\nBcc: x".to_owned();
    let mail = email(templates.render(&evil).unwrap());
    assert!(mail.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
}

#[test]
fn an_input_cannot_pass_for_an_amount() {
    let templates = compiled(&mail());
    let evil = "\u{fdd0}m100 JPY";
    let mail = email(templates.render(&request("m", "email", "en", &[("x", text(evil))])).unwrap());
    assert_eq!(mail.subject, "Hi m100 JPY");
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let templates = compiled(&mail());
    let one = templates.render(&request("m", "email", "ja", &[("x", text("a"))])).unwrap();
    assert_eq!(one, compiled(&mail()).render(&request("m", "email", "ja", &[("x", text("a"))])).unwrap());
    let other = templates.render(&request("m", "email", "ja", &[("x", text("b"))])).unwrap();
    assert_ne!(one.content_hash(), other.content_hash());
}

#[test]
fn inputs_that_do_not_fit_are_refused_by_name() {
    let templates = compiled(&mail());
    for (inputs, reason) in [
        (vec![], "input `x` of message `m`: is missing"),
        (vec![("x", Value::Int(1))], "input `x` of message `m`: wants text, not 1"),
        (
            vec![("x", text("a")), ("y", text("b"))],
            "input `y` of message `m`: is not declared by the message",
        ),
    ] {
        let error = templates.render(&request("m", "email", "en", &inputs)).unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
    let missing = templates.render(&request("m", "sms", "en", &[])).unwrap_err();
    assert!(matches!(missing, RenderError::Missing { .. }));
}

#[test]
fn advertising_carries_the_unsubscribe_headers() {
    let body = "<html lang=\"{{ locale }}\"><body>{{ brand.legal.sender }} {{ brand.legal.postal_address }} \
        {{ brand.legal.complaints }} <a href=\"{{ links.unsubscribe_url }}\">out</a></body></html>";
    let templates = compiled(&[
        ("m/message.yaml", "inputs: {}\n"),
        ("m/email/subject.txt", "s"),
        ("m/email/body.html", body),
    ]);
    let mail = email(templates.render(&request("m", "email", "ja", &[])).unwrap());
    assert_eq!(
        mail.headers,
        [
            ("Content-Language".to_owned(), "ja".to_owned()),
            ("List-Unsubscribe".to_owned(), "<https://t.example/u/1>".to_owned()),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ]
    );
    assert_eq!((mail.from_name.as_str(), mail.from_address.as_str()), ("雲", "hello@shop.example"));
    assert_eq!(mail.reply_to.as_deref(), Some("help@shop.example"));
    assert_eq!(mail.text, "Kumo K.K. Tokyo help@shop.example out: https://t.example/u/1\n");
    assert!(templates.catalog().messages["m"].marketing.contains(&words::Channel::EMAIL));
}

#[test]
fn push_data_stays_json_whatever_is_in_it() {
    let templates = compiled(&[
        ("m/message.yaml", "use: service\ninputs: {x: text, n: int}\n"),
        ("m/push/title.txt", "{{ x }}"),
        ("m/push/body.txt", "b"),
        ("m/push/data.json", "{\"x\": \"{{ x }}\", \"n\": {{ n | str }}}"),
    ]);
    let evil = "a\", \"admin\": \"1\n\\";
    let rendered =
        templates.render(&request("m", "push", "en", &[("x", text(evil)), ("n", Value::Int(1234))])).unwrap();
    let Content::Push(push) = rendered.content else { panic!() };
    assert_eq!(push.data.len(), 2);
    assert_eq!((push.data["x"].as_str(), push.data["n"].as_str()), (evil, "1234"));
    assert_eq!(push.title, "a\", \"admin\": \"1 \\");
}

#[test]
fn every_listed_filter_exists() {
    assert!(crate::compile::knows_every_listed_filter());
}

#[test]
fn a_template_sees_nothing_but_what_is_declared() {
    for (expression, code) in [
        ("{{ secret }}", "T011 m/sms/body.txt:1:4"),
        ("{{ customer.email }}", "T012 m/sms/body.txt:1:13"),
        ("{{ __tera_context }}", "T015 m/sms/body.txt:1:4"),
        ("{{ brand.senders.email }}", "T012 m/sms/body.txt:1:10"),
        ("{{ get_env(name=\"HOME\") }}", "T014 m/sms/body.txt:1:4"),
        ("{% include \"../../etc/passwd\" %}", "T017 m/sms/body.txt:1:12"),
        ("{% include \"brand.yaml\" %}", "T017 m/sms/body.txt:1:12"),
        ("{{ n | safe }}", "T015 m/sms/body.txt:1:8"),
        (
            "{% for a in [1] %}{% for b in [1] %}{% for c in [1] %}{% for d in [1] %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
            "T016 m/sms/body.txt:1:55",
        ),
    ] {
        let found =
            codes(&[("m/message.yaml", "use: service\ninputs: {n: int}\n"), ("m/sms/body.txt", expression)]);
        assert!(found.contains(&code.to_owned()), "{expression}: {found:?}");
    }
}

#[test]
fn tags_may_stand_anywhere_in_mjml() {
    let templates = compiled(&[
        (
            "m/message.yaml",
            "use: service\ninputs: {lines: {list: {name: text, url: text}}, gift: bool, hue: text}\n",
        ),
        ("m/email/subject.txt", "s"),
        (
            "m/email/body.mjml",
            "<mjml><mj-body>{% for line in lines %}<mj-section background-color=\"{{ hue }}\">{% if gift %}<mj-column>\
             <mj-text>G {{ line.name }}</mj-text></mj-column>{% endif %}<mj-column><mj-table>{% for n in [1, 2] %}<tr><td>{{ n }}</td>\
             </tr>{% endfor %}</mj-table><mj-button href=\"{{ line.url }}\">{{ line.name | upper }}</mj-button></mj-column>\
             </mj-section>{% endfor %}</mj-body></mjml>",
        ),
    ]);
    let line = |name: &str| {
        Value::Map(std::collections::BTreeMap::from([
            ("name".to_owned(), text(name)),
            ("url".to_owned(), text("https://a.example/?a=1&b=\"2")),
        ]))
    };
    let inputs = |gift| {
        [
            ("lines", Value::List(vec![line("a<b"), line("c")])),
            ("gift", Value::Bool(gift)),
            ("hue", text("#eee")),
        ]
    };
    let mail = email(templates.render(&request("m", "email", "ja", &inputs(true))).unwrap());
    assert!(mail.html.contains("lang=\"ja\""), "{}", mail.html);
    assert_eq!(mail.html.matches("G a&lt;b").count(), 1);
    assert_eq!(mail.html.matches("A&lt;B").count(), 1);
    assert!(mail.html.contains("href=\"https://a.example/?a=1&amp;b=&quot;2\""));
    assert!(mail.html.contains("#eee"));
    assert_eq!(mail.text.matches("https://a.example/?a=1&b=\"2").count(), 2, "{}", mail.text);
    let plain = email(templates.render(&request("m", "email", "ja", &inputs(false))).unwrap());
    assert!(!plain.html.contains("G a"));
}

#[test]
fn blocks_of_a_child_lie_over_those_of_its_layout_and_super_keeps_them() {
    let templates = compiled(&[
        (
            "layouts/l.txt",
            "top {% block a %}A{% block b %}B{% endblock %}{% endblock %} {%- block c %} C{% endblock c %} end",
        ),
        ("m/message.yaml", "use: service\ninputs: {}\n"),
        (
            "m/sms/body.txt",
            "{% extends \"layouts/l.txt\" %}{% block b %}[{{ super() }}]{% endblock %}{% block c %}{% include \"blocks/x.txt\" %}{% endblock %}",
        ),
        ("blocks/x.txt", "{# nothing #}{% set n = 1234 %}{{ n }}{% raw %}{{ n }}{% endraw %}"),
    ]);
    assert_eq!(sms(&templates, "en", &[]), "top A[B]1,234{{ n }} end");
}

#[test]
fn braces_in_a_translation_are_text() {
    let templates = compiled(&[
        ("m/message.yaml", "use: service\ninputs: {x: text}\n"),
        ("m/sms/body.txt", "{{ t(key=\"a\", x=x) }}"),
        ("locales/en/m.ftl", "a = {\"{{ secret }} {% if %}\"} { $x } {\"{\"}{ $x }"),
        ("locales/ja/m.ftl", "a = { $x }\n    二行目"),
    ]);
    assert_eq!(
        sms(&templates, "en", &[("x", text("{{ 7 * 7 }}"))]),
        "{{ secret }} {% if %} {{ 7 * 7 }} {{{ 7 * 7 }}"
    );
    assert_eq!(sms(&templates, "ja", &[("x", text("一"))]), "一\n二行目");
}

#[test]
fn fields_of_a_list_that_do_not_fit_are_named_by_their_path() {
    let templates = compiled(&[
        ("m/message.yaml", "use: service\ninputs: {lines: {list: {b: text, d: money?}}}\n"),
        ("m/sms/body.txt", "{% for l in lines %}{{ l.b }}{% if l.d %}{{ l.d }}{% endif %}{% endfor %}"),
    ]);
    let line = |fields: &[(&str, Value)]| {
        Value::Map(fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
    };
    let good = line(&[("b", text("x")), ("d", Value::Null)]);
    for (bad, reason) in [
        (line(&[("a", text("x")), ("b", text("x"))]), "`lines[1].a` of message `m`: is not declared"),
        (line(&[("b", text("x")), ("c", text("x"))]), "`lines[1].c` of message `m`: is not declared"),
        (line(&[("b", text("x")), ("e", text("x"))]), "`lines[1].e` of message `m`: is not declared"),
        (line(&[("d", text("1 JPY"))]), "`lines[1].b` of message `m`: is missing"),
        (line(&[("b", text("x")), ("d", text("1"))]), "`lines[1].d` of message `m`: wants money, not `1`"),
    ] {
        let inputs = [("lines", Value::List(vec![good.clone(), bad]))];
        let error = templates.render(&request("m", "sms", "en", &inputs)).unwrap_err();
        assert_eq!(error.to_string(), format!("input {reason}"));
    }
    assert_eq!(sms(&templates, "en", &[("lines", Value::List(vec![good]))]), "x");
}
