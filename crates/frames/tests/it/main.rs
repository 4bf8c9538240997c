//! Whole files through the public functions: every format, every limit, every way to be broken.

mod broken;
mod files;
mod formats;
mod limits;
mod make;
