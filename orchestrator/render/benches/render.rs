//! An 8 KB mail with 8 line items and 60 outputs, all escaped: the work of gate 8.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use render::{Content, Links, RenderRequest, Templates, compile};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;
use words::{Channel, Currency, Locale, Money, Timestamp, Value, Zone};

const BRAND: &str = "name: {en: Kumo, ja: 雲}\ndefault_locale: en\nlocales: [en, ja]\ncountries: [US]\nzone: Asia/Tokyo\n\
    currency: JPY\nsenders: {email: {from: hello@shop.example}}\ncolours: {primary: green}\n\
    legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}\n";
const MESSAGE: &str = "use: service\ninputs:\n  order: text\n  ordered_at: time\n  total: money\n  tax: money\n  street: text\n  \
    city: text\n  lines:\n    list: {name: text, sku: text, quantity: int, price: money, sum: money, url: text}\n";
const FTL: &str = "subject = Thank you for your order { $order }\nhello = Hello { $name }, thank you for your order { $order }.\n\
    ordered = Ordered on { $date }\ntotal = Total { $total }\ntax = including { $tax } tax\nship = We ship to { $street }, { $city }.\n\
    items = { $count ->\n    [one] one item\n   *[other] { $count } items\n}\n";

/// Static mark-up as a layout has it, about this many bytes.
fn filler(bytes: usize) -> String {
    "<tr><td style=\"padding:4px 8px;font-size:14px;line-height:1.6;color:#333333\">Good to know before it arrives.</td></tr>\n"
        .repeat(bytes / 118)
}

fn templates() -> Templates {
    let body = format!(
        "<!doctype html><html lang=\"{{{{ locale }}}}\"><head><title>{{{{ brand.name }}}}</title></head><body>\
         <h1>{{{{ t(key=\"hello\", name=customer | name, order=order) }}}}</h1><p>{{{{ t(key=\"ordered\", date=ordered_at) }}}}</p>\
         <p>{{{{ t(key=\"items\", count=lines | length) }}}}</p><table>{{% for line in lines %}}<tr><td><a href=\"{{{{ line.url }}}}\">\
         {{{{ line.name }}}}</a></td><td>{{{{ line.sku }}}}</td><td>{{{{ line.quantity }}}}</td><td>{{{{ line.price }}}}</td>\
         <td>{{{{ line.sum }}}}</td></tr>{{% endfor %}}</table><p>{{{{ t(key=\"total\", total=total) }}}}, {{{{ t(key=\"tax\", tax=tax) }}}}</p>\
         <p>{{{{ t(key=\"ship\", street=street, city=city) }}}}</p><table>{}</table><p>{{{{ brand.legal.sender }}}}, \
         {{{{ brand.legal.postal_address }}}}</p><a href=\"{{{{ links.unsubscribe_url }}}}\">x</a></body></html>",
        filler(6200)
    );
    let files: BTreeMap<String, Vec<u8>> = [
        ("templates/brand.yaml", BRAND.to_owned()),
        ("templates/m/message.yaml", MESSAGE.to_owned()),
        ("templates/m/email/subject.txt", "{{ t(key=\"subject\", order=order) }}".to_owned()),
        ("templates/m/web/page.html", body.clone()),
        ("templates/m/email/body.html", body),
        ("templates/locales/en/m.ftl", FTL.to_owned()),
        ("templates/locales/ja/m.ftl", FTL.to_owned()),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.into_bytes()))
    .collect();
    let (templates, problems) = compile(&files);
    templates.unwrap_or_else(|| panic!("{problems:#?}"))
}

fn request(channel: &str, locale: &str) -> RenderRequest {
    let text = |t: &str| Value::Text(t.to_owned());
    let money = |minor| Value::Money(Money::new(minor, Currency::USD));
    let lines = (0..8)
        .map(|n| {
            Value::Map(BTreeMap::from([
                ("name".to_owned(), text("Dark roast \"Tom & Ann\" 200 g")),
                ("sku".to_owned(), text("KUMO-0001")),
                ("quantity".to_owned(), Value::Int(n + 1)),
                ("price".to_owned(), money(1490)),
                ("sum".to_owned(), money(1490 * (n + 1))),
                ("url".to_owned(), text("https://shop.example/p/dark-roast?ref=mail&n=1")),
            ]))
        })
        .collect();
    RenderRequest {
        message: "m".to_owned(),
        channel: Channel::new(channel),
        locale: Some(Locale::parse(locale).unwrap()),
        inputs: BTreeMap::from([
            ("order".to_owned(), text("K-1024")),
            ("ordered_at".to_owned(), Value::Time(Timestamp::from_secs(1_795_230_000))),
            ("total".to_owned(), money(53_640)),
            ("tax".to_owned(), money(4_876)),
            ("street".to_owned(), text("1-2-3 Jinnan")),
            ("city".to_owned(), text("Shibuya")),
            ("lines".to_owned(), Value::List(lines)),
        ]),
        customer: BTreeMap::from([("name".to_owned(), text("Ann Smith"))]),
        links: Links {
            unsubscribe_url: "https://t.example/u/abcdefghijklmnop".to_owned(),
            preferences_url: "https://t.example/p/abcdefghijklmnop".to_owned(),
            view_url: "https://t.example/v/abcdefghijklmnop".to_owned(),
            survey_url: String::new(),
        },
        now: Timestamp::from_secs(1_795_230_000),
        zone: Some(Zone::parse("Asia/Tokyo").unwrap()),
    }
}

/// Time on a CPU that this thread has had: on a busy machine the wall clock measures the others.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn mail(c: &mut Criterion) {
    let templates = templates();
    let mut group = c.benchmark_group("mail, CPU time");
    group.throughput(Throughput::Elements(1));
    for (channel, what) in [("web", "html of 8 KB"), ("email", "subject, html of 8 KB and text")] {
        for locale in ["en", "ja"] {
            let request = request(channel, locale);
            if let Content::Email(email) = templates.render(&request).unwrap().content {
                assert!((7_500..8_700).contains(&email.html.len()), "{} bytes", email.html.len());
            }
            group.bench_function(format!("{what}, {locale}"), |b| {
                b.iter_custom(|turns| {
                    let before = cpu_time();
                    for _ in 0..turns {
                        black_box(templates.render(black_box(&request)).unwrap());
                    }
                    cpu_time() - before
                });
            });
        }
    }
    group.finish();
}

/// What `tabi check` does to the shipped templates.
fn check(c: &mut Criterion) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = render::read_folder(&root).unwrap();
    let stored = compile(&files).0.unwrap().to_bytes();
    let mut group = c.benchmark_group("templates");
    group.bench_function("compile the shipped folder", |b| b.iter(|| compile(black_box(&files)).0.unwrap()));
    group.bench_function("load it from a release", |b| {
        b.iter(|| Templates::from_bytes(black_box(&stored)).unwrap())
    });
    group.finish();
}

criterion_group!(benches, mail, check);
criterion_main!(benches);
