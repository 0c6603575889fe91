//! Many rows as one bound value: `[[1,"00ff",null], …]`, read by `json_each` on the other side.
//!
//! A statement costs sqlx ten to twenty microseconds, a row in here one or two.

use words::Timestamp;

/// Rows on their way into one statement. Blobs travel as hex and come out by `unhex`.
#[derive(Default)]
pub(crate) struct Rows {
    text: String,
    count: usize,
    fresh: bool,
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.text.push_str(if self.count == 0 { "[[" } else { "],[" });
        self.count += 1;
        self.fresh = true;
        self
    }

    fn comma(&mut self) {
        if !self.fresh {
            self.text.push(',');
        }
        self.fresh = false;
    }

    pub(crate) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        use std::fmt::Write as _;
        self.comma();
        let _ = write!(self.text, "{}", value.into());
        self
    }

    pub(crate) fn opt_int(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    pub(crate) fn at(&mut self, value: Timestamp) -> &mut Self {
        self.int(value.as_micros())
    }

    pub(crate) fn opt_at(&mut self, value: Option<Timestamp>) -> &mut Self {
        self.opt_int(value.map(Timestamp::as_micros))
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.comma();
        self.text.push_str("null");
        self
    }

    pub(crate) fn blob(&mut self, value: &[u8]) -> &mut Self {
        self.comma();
        self.text.push('"');
        data_encoding::HEXLOWER.encode_append(value, &mut self.text);
        self.text.push('"');
        self
    }

    pub(crate) fn opt_blob(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.blob(value),
            None => self.null(),
        }
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.comma();
        // A string always has a JSON form.
        self.text.push_str(&serde_json::to_string(value).unwrap_or_default());
        self
    }

    pub(crate) fn opt_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// The bound value.
    pub(crate) fn json(mut self) -> String {
        if self.count == 0 {
            return "[]".to_owned();
        }
        self.text.push_str("]]");
        self.text
    }
}

/// An unsigned number as stored.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored number that is never negative.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
