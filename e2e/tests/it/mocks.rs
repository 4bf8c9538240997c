//! The mocks themselves: what is built against them is only as good as they are.

mod annotations;
mod faults;
mod loader;
