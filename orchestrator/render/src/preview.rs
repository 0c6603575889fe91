//! Every message in every locale with every sample: what `tabi preview` shows.

use crate::probe;
use crate::request::{RenderError, RenderRequest, Rendered};
use crate::templates::Templates;
use words::{Channel, Locale};

/// One cell of the preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// On which channel.
    pub channel: Channel,
    /// In which locale.
    pub locale: Locale,
    /// With which sample.
    pub sample: String,
    /// What came out.
    pub result: Result<Rendered, RenderError>,
}

impl Templates {
    /// Renders `message` on every channel, in every locale, with every sample; a message without samples is rendered
    /// without inputs. In this order; the same in every run.
    pub fn preview(&self, message: &str) -> Vec<Preview> {
        let mut out = Vec::new();
        let Some(compiled) = self.bundle.messages.get(message) else { return out };
        for channel in compiled.channels.keys() {
            for locale in self.locales() {
                let mut add = |sample: &str, request: &RenderRequest| {
                    out.push(Preview {
                        channel: channel.clone(),
                        locale: locale.clone(),
                        sample: sample.to_owned(),
                        result: self.render(request),
                    });
                };
                if compiled.samples.is_empty() {
                    let none = std::collections::BTreeMap::new();
                    add("", &probe::request(message, channel, locale, none.clone(), none));
                }
                for (name, sample) in &compiled.samples {
                    let mut request = probe::request(
                        message,
                        channel,
                        locale,
                        sample.inputs.clone(),
                        sample.customer.clone(),
                    );
                    request.zone.clone_from(&sample.zone);
                    add(name, &request);
                }
            }
        }
        out
    }
}
