//! Start and end: ready only once the model has answered, and on a signal what is inside is
//! finished before the program goes.

use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};
use detections_e2e::{http::Reply, metrics, process, server::Server, wait};

use crate::pictures::{laborious, town};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn readiness_comes_after_liveness_and_stays() -> Result<()> {
    let server = Server::launch(&[])?;
    assert_eq!(server.client().get("/health/live")?.status, 200);
    wait::until("readiness", PATIENCE, || {
        let reply = server.client().get("/health/ready").ok()?;
        if reply.status != 200 {
            assert_eq!(reply.status, 503, "{}", reply.text());
            assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
            return None;
        }
        Some(())
    })?;
    assert_eq!(server.client().post("/detect", &[], town()?)?.status, 200);
    assert_eq!(server.client().get("/health/ready")?.status, 200);
    Ok(())
}

/// Clients that each wait for an answer to a picture which takes long.
fn busy_clients(server: &Server, count: usize) -> Result<Vec<JoinHandle<Result<Reply>>>> {
    let picture = laborious()?;
    let post = |_| {
        let (client, picture) = (server.client().clone(), picture.clone());
        thread::spawn(move || client.post("/detect", &[], picture))
    };
    let clients = (0..count).map(post).collect();
    wait_for_in_flight(server, |items| items >= count)?;
    Ok(clients)
}

fn wait_for_in_flight(server: &Server, enough: impl Fn(usize) -> bool) -> Result<()> {
    wait::until("work in flight", PATIENCE, || {
        let page = server.client().get("/metrics").ok()?.text();
        let items = metrics::sum(&page, "detections_in_flight_items", "")?;
        enough(format!("{items}").parse().ok()?).then_some(())
    })
}

#[test]
fn a_signal_drains_what_is_inside_and_refuses_what_is_new() -> Result<()> {
    for name in ["TERM", "INT"] {
        let variables = [
            ("DETECTIONS__INFER__THREADS", "1"),
            ("DETECTIONS__SERVER__SHUTDOWN_GRACE_MS", "60000"),
        ];
        let mut server = Server::start(&variables)?;
        let clients = busy_clients(&server, 16)?;
        server.signal(name)?;
        server.wait_for_log("shutting down", PATIENCE)?;
        let refused = server.client().post("/detect", &[], town()?)?;
        assert_eq!((refused.status, &refused.json()?["code"]), (503, &"draining".into()));
        assert!(refused.header("retry-after").is_some());
        assert_eq!(server.client().get("/health/ready")?.status, 503);
        assert_eq!(server.client().get("/health/live")?.status, 200);
        for client in clients {
            let reply = client.join().ok().context("a client panicked")??;
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        assert_eq!(server.wait_for_end(PATIENCE)?.code(), Some(0), "{}", server.log());
    }
    Ok(())
}

#[test]
fn the_grace_period_is_kept_even_if_work_is_left() -> Result<()> {
    let variables =
        [("DETECTIONS__INFER__THREADS", "1"), ("DETECTIONS__SERVER__SHUTDOWN_GRACE_MS", "1")];
    let mut server = Server::start(&variables)?;
    let clients = busy_clients(&server, 16)?;
    server.signal("TERM")?;
    assert_eq!(server.wait_for_end(PATIENCE)?.code(), Some(1), "{}", server.log());
    assert!(server.log().contains("still in flight"), "{}", server.log());
    for client in clients {
        // Answered or cut off, but not waiting for ever.
        drop(client.join().ok().context("a client panicked")?);
    }
    Ok(())
}

#[test]
fn an_idle_server_ends_at_once() -> Result<()> {
    let mut server = Server::start(&[])?;
    server.signal("TERM")?;
    assert_eq!(server.wait_for_end(Duration::from_secs(10))?.code(), Some(0), "{}", server.log());
    Ok(())
}

#[test]
fn threads_do_not_grow_with_requests() -> Result<()> {
    let server = Server::start(&[("DETECTIONS__INFER__THREADS", "2")])?;
    assert_eq!(server.client().post("/detect", &[], town()?)?.status, 200);
    let before = process::thread_count(server.pid()?)?;
    let clients: Vec<_> = (0..32)
        .map(|_| {
            let (client, picture) = (server.client().clone(), town());
            thread::spawn(move || client.post("/detect", &[], picture?))
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().ok().context("a client panicked")??.status, 200);
    }
    assert_eq!(process::thread_count(server.pid()?)?, before);
    Ok(())
}
