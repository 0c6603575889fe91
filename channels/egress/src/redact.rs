//! Answers of providers made fit for records: one line, no addresses.

/// The longest line kept.
const CHARS_MAX: usize = 200;

/// The longest id of a provider's that is kept.
const ID_BYTES_MAX: usize = 256;

/// Whether a text may be a provider's id of a message: one word of printable ASCII, not too long to be kept. What is none
/// came from somebody else.
pub fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `text` as one line of at most 200 characters, without `secrets` (an address in each of its spellings), without
/// e-mail addresses and without runs of seven or more digits: the record of an outcome outlives the consent.
pub fn one_line(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.chars().count() >= 3) {
        text = text.replace(secret, "…");
    }
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if is_mail(word) { "…".to_owned() } else { without_numbers(word) });
    let line = words.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARS_MAX {
        return line;
    }
    line.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// Replaces each run of seven or more digits, with its `+`, by one mark.
fn without_numbers(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        let (before, run) = (&rest[..start], &rest[start..start + digits]);
        if digits >= 7 {
            out.push_str(before.strip_suffix('+').unwrap_or(before));
            out.push('…');
        } else {
            out.push_str(before);
            out.push_str(run);
        }
        rest = &rest[start + digits..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn no_address_survives() {
        let line = "The 'To' number +819012345678 is\r\n not valid; ask ann@example.com, code 21211";
        assert_eq!(one_line(line, &["+819012345678"]), "The 'To' number … is not valid; ask … code 21211");
        assert_eq!(one_line("whatsapp:+12025550123!", &[]), "whatsapp:…!");
        assert_eq!(one_line("token abc:DEF is gone", &["abc:DEF"]), "token … is gone");
    }

    #[test]
    fn a_long_answer_is_cut_at_a_character() {
        assert_eq!(one_line(&"あ".repeat(1000), &[]).chars().count(), 200);
    }
}
