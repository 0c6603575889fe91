//! Commands (RFC 5321 section 4.1), parsed strictly.

/// A command that is well formed; else the reply to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Mail { from: String, size: Option<u64>, eight_bit: bool, utf8: bool },
    Rcpt { to: String },
    Data,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Help,
    AuthPlain { initial: Option<String> },
    AuthLogin { initial: Option<String> },
}

impl Command {
    /// Reads a line without its CRLF. The error is the reply.
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let line = std::str::from_utf8(line).map_err(|_| "500 5.5.2 Not UTF-8")?;
        let (verb, rest) = line.split_once(' ').map_or((line, None), |(verb, rest)| (verb, Some(rest)));
        let alone = |command| {
            if rest.is_none_or(|rest| rest.trim().is_empty()) {
                Ok(command)
            } else {
                Err("501 5.5.4 No arguments here")
            }
        };
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => greeting(rest).map(|()| Self::Ehlo),
            "HELO" => greeting(rest).map(|()| Self::Helo),
            "MAIL" => mail(rest.ok_or("501 5.5.4 Syntax: MAIL FROM:<address>")?),
            "RCPT" => rcpt(rest.ok_or("501 5.5.4 Syntax: RCPT TO:<address>")?),
            "DATA" => alone(Self::Data),
            "RSET" => alone(Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "QUIT" => alone(Self::Quit),
            "VRFY" => Ok(Self::Vrfy),
            "HELP" => Ok(Self::Help),
            "AUTH" => auth(rest.unwrap_or_default()),
            "STARTTLS" => Err("502 5.5.1 No TLS here: this listener is for this machine alone"),
            "EXPN" | "TURN" | "ETRN" | "BDAT" => Err("502 5.5.1 Command not implemented"),
            _ => Err("500 5.5.2 Command not recognised"),
        }
    }
}

fn greeting(name: Option<&str>) -> Result<(), &'static str> {
    let name = name.unwrap_or_default();
    let fine = !name.is_empty()
        && name.len() <= 255
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    if fine { Ok(()) } else { Err("501 5.5.4 Give a host name or an address literal") }
}

fn mail(rest: &str) -> Result<Command, &'static str> {
    let (from, parameters) = path(rest, "FROM:").ok_or("501 5.1.7 Syntax: MAIL FROM:<address>")?;
    let (mut size, mut eight_bit, mut utf8) = (None, false, false);
    for parameter in parameters.split(' ').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').map_or((parameter, None), |(n, v)| (n, Some(v)));
        match (name.to_ascii_uppercase().as_str(), value) {
            ("SIZE", Some(value)) => size = Some(value.parse().map_err(|_| "501 5.5.4 SIZE is no number")?),
            ("BODY", Some(value)) if value.eq_ignore_ascii_case("8BITMIME") => eight_bit = true,
            ("BODY", Some(value)) if value.eq_ignore_ascii_case("7BIT") => {}
            ("SMTPUTF8", None) => utf8 = true,
            ("AUTH", Some(_)) => {}
            _ => return Err("555 5.5.4 MAIL parameter not recognised"),
        }
    }
    if !from.is_empty() {
        mailbox(&from, utf8).map_err(|()| "501 5.1.7 Bad sender address syntax")?;
    }
    Ok(Command::Mail { from, size, eight_bit, utf8 })
}

fn rcpt(rest: &str) -> Result<Command, &'static str> {
    let (to, parameters) = path(rest, "TO:").ok_or("501 5.1.3 Syntax: RCPT TO:<address>")?;
    if !parameters.trim().is_empty() {
        return Err("555 5.5.4 RCPT parameter not recognised");
    }
    if !to.eq_ignore_ascii_case("postmaster") {
        mailbox(&to, true).map_err(|()| "501 5.1.3 Bad recipient address syntax")?;
    }
    Ok(Command::Rcpt { to })
}

/// `FROM:<path>` and what follows it. No white space around the colon (RFC 5321 section 3.3).
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, &'a str)> {
    let start = rest.get(..keyword.len())?;
    let rest = start.eq_ignore_ascii_case(keyword).then(|| &rest[keyword.len()..])?.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let after = &rest[at + 1..];
                let address = &rest[..at];
                // Source routes are accepted and ignored (RFC 5321 appendix C).
                let address = match address.strip_prefix('@') {
                    Some(route) => route.split_once(':')?.1,
                    None => address,
                };
                return (after.is_empty() || after.starts_with(' ')).then(|| (address.to_owned(), after));
            }
            _ => {}
        }
    }
    None
}

/// RFC 5321 section 4.1.2: Local-part "@" Domain, with the lengths of section 4.5.3.1.
fn mailbox(address: &str, utf8: bool) -> Result<(), ()> {
    let (local, domain) = address.rsplit_once('@').ok_or(())?;
    let letter = |c: char| c.is_ascii_alphanumeric() || (utf8 && !c.is_ascii() && !c.is_control());
    let atom =
        |atom: &str| !atom.is_empty() && atom.chars().all(|c| letter(c) || "!#$%&'*+-/=?^_`{|}~".contains(c));
    let quoted = || {
        let inside = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inside.is_some_and(|inside| {
            let mut chars = inside.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' if !chars.next().is_some_and(|c| (' '..='~').contains(&c)) => return false,
                    '\\' => {}
                    '"' => return false,
                    ' '..='~' => {}
                    c if letter(c) => {}
                    _ => return false,
                }
            }
            true
        })
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| letter(c) || c == '-')
    };
    let literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|ip| ip.strip_prefix("IPv6:").unwrap_or(ip).parse::<std::net::IpAddr>().is_ok());
    let fine = !local.is_empty()
        && local.len() <= 64
        && domain.len() <= 255
        && (local.split('.').all(atom) || quoted())
        && (literal || domain.split('.').all(label));
    if fine { Ok(()) } else { Err(()) }
}

fn auth(rest: &str) -> Result<Command, &'static str> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let initial = words.next().map(str::to_owned);
    match mechanism.as_str() {
        _ if words.next().is_some() => Err("501 5.5.4 Too many arguments"),
        "PLAIN" => Ok(Command::AuthPlain { initial }),
        "LOGIN" => Ok(Command::AuthLogin { initial }),
        _ => Err("504 5.5.4 Mechanism not recognised: PLAIN or LOGIN"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_by_the_letter() {
        for (line, to) in [
            ("RCPT TO:<ann@example.com>", "ann@example.com"),
            ("rcpt to:<\"a..b\"@docomo.ne.jp>", "\"a..b\"@docomo.ne.jp"),
            ("RCPT TO:<\"a>b\"@example.com>", "\"a>b\"@example.com"),
            ("RCPT TO:<@relay.example:ann@example.com>", "ann@example.com"),
            ("RCPT TO:<ann@[127.0.0.1]>", "ann@[127.0.0.1]"),
            ("RCPT TO:<Postmaster>", "Postmaster"),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Ok(Command::Rcpt { to: to.to_owned() }), "{line}");
        }
        for line in [
            "RCPT TO:<a..b@docomo.ne.jp>",
            "RCPT TO: <ann@example.com>",
            "RCPT TO:ann@example.com",
            "RCPT TO:<ann@example.com",
            "RCPT TO:<ann@>",
            "RCPT TO:<>",
            "RCPT TO:<ann@-example.com>",
            "RCPT TO:<ann@example.com>x",
            "RCPT",
        ] {
            assert!(Command::parse(line.as_bytes()).is_err_and(|reply| reply.starts_with("501")), "{line}");
        }
        assert!(
            Command::parse(b"RCPT TO:<ann@example.com> NOTIFY=NEVER").is_err_and(|r| r.starts_with("555"))
        );
    }

    #[test]
    fn parameters_of_mail_are_known_or_refused() {
        assert_eq!(
            Command::parse(b"MAIL FROM:<shop@example.jp> SIZE=10 BODY=8BITMIME"),
            Ok(Command::Mail {
                from: "shop@example.jp".to_owned(),
                size: Some(10),
                eight_bit: true,
                utf8: false
            })
        );
        assert!(matches!(Command::parse(b"MAIL FROM:<>"), Ok(Command::Mail { .. })));
        assert!(Command::parse(b"MAIL FROM:<a@b.c> XYZ=1").is_err_and(|reply| reply.starts_with("555")));
        assert!(Command::parse(b"DATA now").is_err_and(|reply| reply.starts_with("501")));
        assert!(Command::parse(b"STARTTLS").is_err_and(|reply| reply.starts_with("502")));
        assert!(Command::parse(b"GET / HTTP/1.1").is_err_and(|reply| reply.starts_with("500")));
    }
}
