//! Push notifications over FCM HTTP v1.
