//! The Loader client against a server that answers as each test scripts it, faults included.

mod faults;
mod following;
mod server;
