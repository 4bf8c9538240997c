//! Results on their way to the Annotations service: stored durably before anybody is told of them, and delivered
//! at least once, in order for each media. Threads of its own, no async runtime, no environment.
#![doc = include_str!("../README.md")]

mod clock;
mod counters;
mod delivery;
mod endpoint;
mod error;
mod key;
mod letters;
mod outbox;
mod payload;
mod retry;
mod rows;
mod schema;
mod secret;
mod selection;
mod upload;

pub use crate::{
    clock::{Bell, Clock, SystemClock},
    counters::Stats,
    delivery::{Delivery, DeliverySettings},
    endpoint::Endpoint,
    error::AnnotationsError,
    letters::{Letter, LetterBox, LetterState},
    outbox::{Kept, Limits, Outbox, Recording, Ticket, WhenFull},
    secret::Authorization,
    selection::{EmptyFrames, FramePolicy},
    upload::{Finding, Frame, Identity, MediaKind, ModelIdentity, Upload},
};
