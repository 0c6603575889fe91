//! The links of a rendered mail, for those who count clicks.

/// Rewrites the target of every `<a href="http…">`. `rewrite` gets the link's number, from 0 in the order of the document,
/// and its target as it is meant (entities read); `None` leaves it as it is. Addresses of the customer's own pages
/// (unsubscribe, preferences) are among them: leave those alone.
pub fn rewrite_links(html: &str, mut rewrite: impl FnMut(usize, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len() + 256);
    let mut rest = html;
    let mut number = 0;
    while let Some(start) = rest.find("<a ") {
        let end = rest[start..].find('>').map_or(rest.len(), |e| e + start);
        let tag = &rest[start..end];
        let target = tag.find("href=\"").map(|at| start + at + 6).and_then(|from| {
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

#[cfg(test)]
mod tests {
    use super::*;

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
