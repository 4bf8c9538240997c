//! Why a new model is not in service: it waits for its class map, or is refused for good.

use crate::{http::told_with_causes, serve::ServeError};

/// Why a new model is not in service.
pub(super) enum NotTaken {
    /// No class map fits it; it waits for one.
    Waits(String),
    /// It never will be.
    Refused(ServeError),
}

impl NotTaken {
    /// Whether the device is at fault, under whatever model.
    pub(super) fn is_of_device(&self) -> bool {
        match self {
            Self::Waits(_) => false,
            Self::Refused(error) => error.is_of_device(),
        }
    }

    /// What is told of it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Waits(text) => text,
            Self::Refused(error) => told_with_causes(&error),
        }
    }
}
