//! Detections over time to track ids.
