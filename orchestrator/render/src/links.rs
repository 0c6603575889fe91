//! The links of a rendered mail, for those who count clicks.

/// Rewrites the target of every `<a href="http…">`. `rewrite` gets the link's number, from 0 in the order of the document,
/// and its target as it is meant (entities read); `None` leaves it as it is. Addresses of the customer's own pages
/// (unsubscribe, preferences) are among them: leave those alone.
pub fn rewrite_links(html: &str, mut rewrite: impl FnMut(usize, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len() + 256);
    let mut rest = html;
    let mut number = 0;
    while let Some(start) = opening(rest) {
        let end = rest[start..].find('>').map_or(rest.len(), |e| e + start);
        let target = href(&rest[start..end]).map(|at| start + at).and_then(|from| {
            let to = rest[from..end].find('"')? + from;
            Some(from..to)
        });
        if let Some(range) = target.filter(|range| rest[range.clone()].starts_with("http")) {
            let meant = crate::text::unescape(&rest[range.clone()]);
            let new = rewrite(number, &meant);
            number += 1;
            if let Some(new) = new {
                out.push_str(&rest[..range.start]);
                let mut escaped = Vec::with_capacity(new.len() + 8);
                // Writing into a Vec cannot fail.
                let _ = tera::escape_html(&new, &mut escaped);
                out.push_str(&String::from_utf8_lossy(&escaped));
                rest = &rest[range.end..];
                continue;
            }
        }
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Where the next link's tag begins.
fn opening(html: &str) -> Option<usize> {
    html.match_indices("<a")
        .map(|(at, _)| at)
        .find(|at| html.as_bytes().get(at + 2).is_some_and(u8::is_ascii_whitespace))
}

/// Where the target of a link's tag begins; `data-href` is none.
fn href(tag: &str) -> Option<usize> {
    const NAME: &str = "href=\"";
    let found = tag.match_indices(NAME).map(|(at, _)| at);
    found
        .filter(|at| tag.as_bytes()[..*at].last().is_some_and(u8::is_ascii_whitespace))
        .map(|at| at + NAME.len())
        .next()
}

/// Rewrites the addresses in plain text. Those in `known`, as they stand in the HTML, become what is given for them. Any other
/// is a run of the characters that RFC 3986 allows, without punctuation at its end, and `rewrite` is asked; where a letter
/// outside ASCII follows at once, nobody can say where it ends, and it stays as it is.
pub fn rewrite_text_links(
    text: &str,
    known: &[(String, String)],
    mut rewrite: impl FnMut(&str) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some(start) = ["http://", "https://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (address, sure) = address(&rest[start..]);
        let longest = known.iter().filter(|(url, _)| rest[start..].starts_with(url.as_str()));
        let longest = longest.max_by_key(|(url, _)| url.len()).filter(|(url, _)| url.len() >= address.len());
        let (length, new) = match longest {
            Some((url, new)) => (url.len(), Some(new.clone())),
            None => (address.len(), if sure { rewrite(address) } else { None }),
        };
        out.push_str(&rest[..start]);
        match new {
            Some(new) => out.push_str(&new),
            None => out.push_str(&rest[start..start + length]),
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

/// The address that a text begins with, and whether it surely ends there.
fn address(text: &str) -> (&str, bool) {
    let run = text.find(|c: char| !in_address(c)).unwrap_or(text.len());
    let address = text[..run].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
    let closed = address.matches(')').count() <= address.matches('(').count();
    let address = if closed { address } else { address.trim_end_matches(')') };
    (address, !text[run..].starts_with(char::is_alphanumeric))
}

/// RFC 3986, section 2, without the square brackets, which stand around links in plain text.
fn in_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn in_text(text: &str, expected: &str) {
        let known = [("https://k.example/旅".to_owned(), "[known]".to_owned())];
        assert_eq!(rewrite_text_links(text, &known, |url| Some(format!("[{url}]"))), expected);
    }

    #[test]
    fn addresses_in_plain_text_end_where_their_reader_would_end_them() {
        in_text("See https://a.example/x?y=1&z=2.", "See [https://a.example/x?y=1&z=2].");
        in_text(
            "(https://a.example/x), https://a.example/(y)!",
            "([https://a.example/x]), [https://a.example/(y)]!",
        );
        in_text("<https://a.example> and http://b.example/", "<[https://a.example]> and [http://b.example/]");
        in_text("詳細は「https://a.example/ja/」を。", "詳細は「[https://a.example/ja/]」を。");
        in_text("https://a.example/ja/をご覧ください", "https://a.example/ja/をご覧ください");
        in_text("旅: https://k.example/旅\nhttps://k.example/", "旅: [known]\n[https://k.example/]");
        in_text("no link, https: neither", "no link, https: neither");
        in_text("https://", "[https://]");
    }

    #[test]
    fn another_attribute_is_no_target() {
        let html = "<a data-href=\"https://no.example/\"\n href=\"https://yes.example/\">x</a><abbr href=\"https://no.example/\">";
        let mut seen = Vec::new();
        assert_eq!(
            rewrite_links(html, |_, target| {
                seen.push(target.to_owned());
                None
            }),
            html
        );
        assert_eq!(seen, ["https://yes.example/"]);
    }

    #[test]
    fn links_are_counted_and_rewritten_and_the_rest_stays() {
        let html = "<a class=\"b\" href=\"https://a.example/?x=1&amp;y=2\">a</a><a href=\"mailto:x@y\">m</a>\
                    <a\nhref='x'>odd</a><a href=\"https://b.example/\">b</a><a href=\"https://c";
        let mut seen = Vec::new();
        let out = rewrite_links(html, |number, target| {
            seen.push(target.to_owned());
            (number == 0).then(|| format!("https://t.example/?n={number}&u=\"1\""))
        });
        assert_eq!(seen, ["https://a.example/?x=1&y=2", "https://b.example/"]);
        let expected = "<a class=\"b\" href=\"https://t.example/?n=0&amp;u=&quot;1&quot;\">a</a><a href=\"mailto:x@y\">m</a>\
                        <a\nhref='x'>odd</a><a href=\"https://b.example/\">b</a><a href=\"https://c";
        assert_eq!(out, expected);
    }
}
