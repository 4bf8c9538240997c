//! Starts the real `detections` program and speaks to it as a client would.
