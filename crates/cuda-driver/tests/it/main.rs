//! What is said of a driver: of none, of one without devices, of one that refuses, and of one that works.

mod driver;
mod stand_in;
