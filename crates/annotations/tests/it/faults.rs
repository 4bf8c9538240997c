//! Services that are not there or do not answer, and deliveries that end in the middle.

use std::{net::TcpListener, time::Duration};

use detections_annotations::{Delivery, DeliverySettings};

use crate::{
    fixture::{Fixture, settings},
    server::{Answer, Server},
};

#[test]
fn a_thousand_results_wait_for_a_service_that_is_down_and_arrive_in_order() {
    let fixture = Fixture::new();
    // No other test listens on this address, so nobody takes the port meanwhile.
    let address = TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap();
    let _delivery = fixture.deliver(&format!("http://{address}"), 1);
    (0..10).for_each(|video| fixture.video(&format!("{video:02}"), 100));
    fixture.advance_until("it was tried", || fixture.outbox.stats().retries > 3);
    assert_eq!(fixture.outbox.stats().pending, 1000);
    let server = Server::at(address);
    fixture.advance_until_empty();
    let arrived: Vec<_> =
        server.posts().iter().map(|post| (post.name().to_owned(), post.frame())).collect();
    assert_eq!(arrived.len(), 1000);
    assert!(arrived.is_sorted(), "in order");
}

#[test]
fn retry_after_spares_the_service_so_long() {
    let (fixture, server) = (Fixture::new(), Server::start());
    server.then(Answer::With(503, "retry-after: 100\r\n"));
    fixture.video("a", 1);
    fixture.video("b", 1);
    let _delivery = fixture.deliver(&server.url(), 1);
    server.wait_for(1);
    fixture.advance_until("noted", || fixture.outbox.stats().retries == 1);
    fixture.clock.advance(Duration::from_secs(98));
    // A round of the delivery's thread under the new time ends with a sweep, which is a write.
    fixture.video("c", 1);
    assert_eq!(server.posts().len(), 1, "it is still spared");
    fixture.clock.advance(Duration::from_secs(3));
    fixture.advance_until_empty();
}

#[test]
fn a_delivery_that_ends_while_the_service_hangs_is_repeated_under_the_same_key() {
    let (fixture, server) = (Fixture::new(), Server::start());
    server.then(Answer::Hang);
    fixture.video("a", 2);
    let soon = DeliverySettings { timeout: Duration::from_secs(2), ..settings(&server.url(), 1) };
    let delivery = Delivery::spawn(&fixture.outbox, soon).unwrap();
    server.wait_for(1);
    assert!(!delivery.stop(Duration::ZERO), "the post is still on its way");
    let _next = fixture.deliver(&server.url(), 1);
    let posts = server.wait_for(3);
    assert_eq!(posts[0].key, posts[1].key);
    fixture.advance_until_empty();
    drop(server);
}

#[test]
fn a_service_that_hangs_is_given_up_in_time() {
    let (fixture, server) = (Fixture::new(), Server::start());
    server.then(Answer::Hang);
    fixture.video("a", 1);
    let settings =
        DeliverySettings { timeout: Duration::from_millis(200), ..settings(&server.url(), 1) };
    let _delivery = Delivery::spawn(&fixture.outbox, settings).unwrap();
    fixture.advance_until_empty();
    assert_eq!(server.posts().len(), 2);
}
