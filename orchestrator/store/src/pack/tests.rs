#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const HTML: &str = "<!doctype html>\n<p style=\"color: #333\">Dear Hana, your order R-17 of 1,980 yen is on its way. \
    Thank you for shopping with us; here is what happens next and how to reach us if anything is missing. \n</p>\n";
const JAPANESE: &str =
    "花さん、ご注文ありがとうございます。\r\n商品は明日お届けします。\n\n荷物の番号は 1234 です。";

/// The same rules as `channels/email`, whose composer the product runs with.
fn mail(parts: &[(&str, &str, Encoding)]) -> Vec<u8> {
    let mut bytes = b"Subject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\n".to_vec();
    for (_, text, encoding) in parts {
        bytes.extend_from_slice(b"--=_1\r\nContent-Type: text/html\r\n\r\n");
        bytes.extend_from_slice(&encoding.encode(text));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"--=_1--\r\n");
    bytes
}

fn parcel(parts: &[(&str, &str, Encoding)]) -> String {
    let parts: BTreeMap<&str, &str> = parts.iter().map(|(name, text, _)| (*name, *text)).collect();
    serde_json::json!({"parts": parts, "sender": {"from": "a@example.com"}, "locale": "en"}).to_string()
}

#[track_caller]
fn round(bytes: &[u8], parcel: &str, likeness: &Likeness) -> usize {
    let packed = pack(&[7; 32], bytes, parcel, likeness).unwrap();
    assert_eq!(unpack(&packed, likeness).unwrap(), (bytes.to_vec(), parcel.to_owned()));
    assert_eq!(packed[1..33], [7; 32]);
    packed.len()
}

#[test]
fn what_is_packed_comes_out_the_same() {
    for parts in [
        vec![("html", HTML, Encoding::QuotedPrintable), ("text", JAPANESE, Encoding::Base64)],
        vec![("text", JAPANESE, Encoding::QuotedPrintable)],
        vec![("html", HTML, Encoding::Lines)],
        vec![("html", HTML, Encoding::Base64), ("text", HTML, Encoding::QuotedPrintable)],
        vec![("html", "", Encoding::Base64)],
    ] {
        round(&mail(&parts), &parcel(&parts), &Likeness::default());
    }
}

#[test]
fn a_part_is_found_behind_one_that_begins_alike() {
    let (short, long) = (format!("{HTML}end"), format!("{HTML}and so on, to the end"));
    let bytes = [short.as_bytes(), b"--", long.as_bytes()].concat();
    assert_eq!(position(&bytes, long.as_bytes()), Some(short.len() + 2));
    assert_eq!(position(&bytes, format!("{HTML}never").as_bytes()), None);
    assert_eq!(position(&bytes, b""), Some(0));
}

#[test]
fn what_resembles_nothing_is_kept_as_it_is() {
    let any: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for parcel in ["", "{}", "not JSON", r#"{"parts": 3}"#, r#"{"text":"planted-parcel"}"#] {
        round(&any, parcel, &Likeness::default());
        round(b"", parcel, &Likeness::default());
        round(parcel.as_bytes(), parcel, &Likeness::default());
    }
}

#[test]
fn a_mail_costs_little_beside_its_likeness() {
    let make = |name: &str, thing: &str| {
        let html = HTML.replace("Hana", name).replace("R-17", thing).repeat(40);
        let text = JAPANESE.replace("花", name).replace("1234", thing).repeat(20);
        let parts =
            [("html", html.as_str(), Encoding::QuotedPrintable), ("text", text.as_str(), Encoding::Base64)];
        (mail(&parts), parcel(&parts))
    };
    let (sample, sample_parcel) = make("Taro", "R-1");
    let likeness = Likeness::of(&sample, &sample_parcel);
    let (bytes, parcel) = make("Hanako Yamada", "R-2026-11");
    assert!(bytes.len() > 8000);
    let packed = round(&bytes, &parcel, &likeness);
    assert!(packed < bytes.len() / 20, "{packed} of {}", bytes.len());
    let stored = Likeness::from_stored(&likeness.stored()).unwrap();
    assert_eq!(stored.text(), likeness.text());
}

#[test]
fn what_was_damaged_or_comes_from_later_is_an_error() {
    let packed = pack(&[0; 32], b"bytes", "{}", &Likeness::default()).unwrap();
    for end in 0..packed.len() {
        assert!(unpack(&packed[..end], &Likeness::default()).is_err(), "{end}");
    }
    let mut later = packed;
    later[0] = 2;
    let error = unpack(&later, &Likeness::default()).unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}

#[test]
fn quoted_printable_is_as_the_composer_writes_it() {
    use quoted_printable::encode;
    let mut texts: Vec<String> =
        [HTML, JAPANESE, "", " ", "a ", "a \nb\t\n", "=", "\u{7f}"].map(str::to_owned).to_vec();
    // Every length around a line, with every kind of end.
    for length in 60..160 {
        for end in ["", " ", "=", "é", " \n", "é\n", "==", "a é", "\t"] {
            texts.push(format!("{}{end}{}", "x".repeat(length), "y z ".repeat(40)));
            texts.push(format!("{}{end}", "x =".repeat(length / 3)));
        }
    }
    for text in texts {
        let lines = Encoding::Lines.encode(&text);
        assert_eq!(
            String::from_utf8(Encoding::QuotedPrintable.encode(&text)).unwrap(),
            String::from_utf8(encode(&lines)).unwrap(),
            "{text:?}"
        );
    }
}
