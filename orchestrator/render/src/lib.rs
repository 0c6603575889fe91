//! Brand, layouts, messages: templates in, exact bytes out.
