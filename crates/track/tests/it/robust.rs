//! Input that no detector would send.
