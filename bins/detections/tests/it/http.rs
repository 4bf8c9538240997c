//! The service: in process with the real detector where that suffices, as a process where sockets and
//! signals matter.

mod access;
mod annotations;
mod answers;
mod failing_model;
mod fixture;
mod forwarding;
mod neighbours;
mod problems;
mod process;
mod reload;
mod sockets;
mod videos;
