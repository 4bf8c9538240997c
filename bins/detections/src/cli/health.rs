//! `detections health`: asks the service of this configuration whether it is healthy, so that an image
//! needs no other program for its health check.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::exit::{Exit, Failure};
use crate::config::Config;

/// How long connecting, sending and each read may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// As much of an answer as its status is in.
const STATUS_LINE: usize = "HTTP/1.1 200".len();

/// Exits with 0 when `GET /health` at the configured address is answered with 200.
pub(super) fn run(config: &Config) -> Result<Exit, Failure> {
    // Health has moved to the second port where there is one.
    let server = &config.server;
    let bind = server.management_bind.as_ref().unwrap_or(&server.bind);
    let failed =
        |error: io::Error| Failure::failed(format!("no healthy service at {bind}: {error}"));
    let status = ask(bind).map_err(failed)?;
    if status == "200" {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("the service at {bind} answers {status}")))
}

fn ask(bind: &str) -> io::Result<String> {
    let address = reachable(bind.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut line = [0; STATUS_LINE];
    stream.read_exact(&mut line)?;
    let line = String::from_utf8_lossy(&line).into_owned();
    let status = line.strip_prefix("HTTP/1.1 ").map(str::to_owned);
    status.ok_or_else(|| io::Error::other(format!("`{line}` is no HTTP")))
}

/// A service that listens everywhere is asked on this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::{ask, reachable};

    #[test]
    fn a_service_that_listens_everywhere_is_asked_here() {
        for (bound, asked) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn the_status_is_read_and_strangers_are_refused() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some("200")),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some("503")),
            ("SSH-2.0-OpenSSH_9.2", None),
            ("", None),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _read = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(ask(&address).ok().as_deref(), expected, "{answer}");
            server.join().unwrap();
        }
    }

    #[test]
    fn nobody_at_the_address_is_an_error() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(&address.to_string()).is_err());
    }
}
