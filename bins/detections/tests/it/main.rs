//! The program from outside: its command line as a process, its service in process.

mod cli;
mod http;
