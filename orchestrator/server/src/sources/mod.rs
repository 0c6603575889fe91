//! Shop webhooks: what a shop sends, turned into customers and events by a mapping in YAML.

use journey::Schema;
use release::Files;
use words::Diagnostic;

/// The mappings of a project.
#[derive(Debug, Clone, Default)]
pub struct Sources {}

/// Reads `journeys/sources/*.yaml`: every problem at once, and what could be read.
pub fn compile(_files: &Files, _schema: &Schema) -> (Sources, Vec<Diagnostic>) {
    (Sources::default(), Vec::new())
}
