//! E-mail over SMTP, driven stage by stage.
