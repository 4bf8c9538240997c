//! Class mapping: what the product calls the things that a model finds. A map is read and checked
//! once, bound to a model's labels once, and then looked up by index.
#![doc = include_str!("../README.md")]

mod bind;
mod bound;
mod color;
mod entry;
mod error;
mod json;
mod map;

pub use crate::{
    bound::{BoundClasses, ProductClass},
    color::{Color, default_color},
    error::{ClassFault, ClassProblem, ClassesError, EntryName},
    map::{ClassMap, MAX_FILE_BYTES},
};
