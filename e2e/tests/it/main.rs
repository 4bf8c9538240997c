//! The real program, seen from outside: its routes, its answers, its start and end, its command
//! line, and what it does with input that is wrong.

mod access;
mod bad_inputs;
mod command_line;
mod conformance;
mod context;
mod detect;
mod device;
mod golden;
mod health;
mod image;
mod lifecycle;
mod logs;
mod memory;
mod mocks;
mod neighbours;
mod openapi;
mod operation;
mod pictures;
mod refused;
mod tiles;
mod video;
