//! The pipeline over a real detector whose model always sees the same objects.

mod fixed_model;
mod still;
