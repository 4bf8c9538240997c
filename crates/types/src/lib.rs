//! The words every layer of `detections` speaks: images, rectangles, scores, detections, tensors'
//! signatures and the closed set of error kinds. Plain data: no I/O, no clock but deadlines, no thread.
#![doc = include_str!("../README.md")]

mod cancel;
mod caught;
mod detection;
mod error_kind;
mod image;
mod rect;
mod signature;

pub use crate::{
    cancel::{CancelToken, Interrupt},
    caught::caught,
    detection::{ClassIndex, Detection, Score},
    error_kind::ErrorKind,
    image::{
        Image, ImageError, ImageView, PixelFormat, PlaneLayout, Region, SharedBytes, YuvColor,
        YuvMatrix, YuvRange,
    },
    rect::{ModelInput, Rect, Source},
    signature::{
        BoxNumbers, Dim, ElementType, FixedInput, ModelDescription, PictureAxes, PictureLayout,
        Proposals, Signature, Suppression, TensorInfo, Undecoded,
    },
};
