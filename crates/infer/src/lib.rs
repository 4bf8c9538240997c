//! Everything between pixels and detections that is not a tensor runtime: what a model is, how pictures get
//! into it, how its output becomes boxes, and the worker threads that do so for many callers at once.
#![doc = include_str!("../README.md")]

mod batcher;
mod detector;
mod device;
mod error;
mod head;
mod manifest;
mod mask;
mod model;
mod nms;
mod numeric;
mod params;
mod preprocess;
mod reader;
mod tiles;

pub use crate::{
    batcher::{InferTiming, Inference, Lane, Ticket},
    detector::{Detector, DetectorHealth, DetectorOptions},
    device::{DeviceName, DeviceNameError},
    error::InferError,
    head::{Candidate, Head, HeadKind},
    manifest::{LabelPolicy, Manifest, ManifestOptions, NamesError},
    mask::Mask,
    model::{InputShape, Model, OutputTensor, Outputs, Session},
    nms::Nms,
    params::{ClassThresholds, DetectParams, Masks, NmsMode},
    preprocess::{ChannelOrder, Letterbox, Letterboxer, PixelScale, Placement, Preprocess},
    reader::{Detail, Found, Reader},
    tiles::{GroundSampling, Overlap, TileMerge, TileSize, Tiling},
};
