//! Addresses as SMTP and headers want them.

use channel::Parcel;
use words::EmailAddress;

/// The address with its local part quoted where the dot rules of RFC 5321 section 4.1.2 ask for it.
/// `a..b@docomo.ne.jp` becomes `"a..b"@docomo.ne.jp`. The error says what is wrong, without the address.
pub(crate) fn mailbox(text: &str) -> Result<(String, String), String> {
    let address = EmailAddress::parse(text).map_err(|error| error.to_string())?;
    let (local, domain) = address.as_str().rsplit_once('@').ok_or("it has no @")?;
    let dotted = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    // The normal form has neither quotes nor backslashes, so quoting needs no escapes.
    let local = if dotted { format!("\"{local}\"") } else { local.to_owned() };
    Ok((local, domain.to_owned()))
}

/// The envelope: the reverse path and the forward path.
pub(crate) struct Envelope {
    /// Where bounces go.
    pub(crate) from: String,
    /// The one recipient.
    pub(crate) to: String,
}

impl Envelope {
    /// The envelope of a parcel; the error is a refusal of this message.
    pub(crate) fn of(parcel: &Parcel) -> Result<Self, String> {
        let sender = &parcel.content.sender;
        let from = ["return_path", "sender", "from"]
            .into_iter()
            .find_map(|key| sender.get(key))
            .ok_or("the sender has no `from`: give the brand a sender identity for e-mail")?;
        let path = |what: &str, text: &str| {
            mailbox(text)
                .map(|(local, domain)| format!("{local}@{domain}"))
                .map_err(|reason| format!("{what}: {reason}"))
        };
        Ok(Self {
            from: path("the sender's address", from)?,
            to: path("the recipient's address", &parcel.to)?,
        })
    }
}
