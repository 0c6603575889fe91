//! The development inbox: a real SMTP listener, fake SMS and push endpoints.
