//! The socket under a connection, for faults that no HTTP answer can make.

use std::{
    any::Any,
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

/// A handle of a connection's socket that lives as long as the connection.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Keeps a handle beside a new connection.
    pub fn keep(connection: &dyn Any, beside: &mut Extensions) {
        let stream = connection.downcast_ref::<TcpStream>();
        if let Some(Ok(handle)) = stream.map(|stream| stream.as_fd().try_clone_to_owned()) {
            beside.insert(Self(handle));
        }
    }

    /// Lets the connection's end be a reset, and throws away what is still unsent.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reset_when_closed(&self) -> io::Result<()> {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO))
    }
}
