//! The templates that come with the product.

use super::project::shown;
use crate::{Content, RenderError, Templates, compile, read_folder};
use std::path::Path;

fn shipped() -> Templates {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = read_folder(&root).unwrap();
    let (templates, problems) = compile(&files);
    assert_eq!(shown(&files, &problems), "");
    templates.unwrap()
}

#[test]
fn the_shipped_templates_have_no_problem_and_every_preview_renders() {
    let templates = shipped();
    for message in templates.messages() {
        let previews = templates.preview(message);
        assert!(!previews.is_empty());
        for preview in previews {
            let place = format!("{message} {} {} {}", preview.channel, preview.locale, preview.sample);
            let rendered = preview.result.unwrap_or_else(|error: RenderError| panic!("{place}: {error}"));
            if let Content::Email(email) = rendered.content {
                assert!(!email.subject.is_empty() && !email.text.is_empty(), "{place}");
                assert!(!email.html.contains("{{") && !email.html.contains("TABIQ"), "{place}");
                assert!(email.html.contains(&format!("lang=\"{}\"", preview.locale)), "{place}");
                assert!(email.html.contains("role=\"presentation\""), "{place}");
            }
        }
    }
}

#[test]
fn stored_templates_render_the_same_bytes() {
    let templates = shipped();
    let bytes = templates.to_bytes();
    assert_eq!(bytes, shipped().to_bytes());
    let loaded = Templates::from_bytes(&bytes).unwrap();
    for message in templates.messages() {
        assert_eq!(templates.preview(message), loaded.preview(message));
    }
    assert!(Templates::from_bytes(b"{\"format\":999}").is_err());
    assert!(Templates::from_bytes(b"nonsense").is_err());
}
