//! The program from outside: its command line as a process, its service in process.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test's own helpers must fail it")]

mod cli;
mod http;
