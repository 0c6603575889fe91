//! One line of text for records.

/// `text` without control characters, cut at 300 characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
