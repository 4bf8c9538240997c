//! The feed from both of its sides: order, bounds, joining and endings.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use super::{Chunk, Fed, FeedClosed, feed};

fn chunk(len: usize) -> Chunk {
    Box::new(vec![7_u8; len])
}

const PATIENT: Duration = Duration::from_secs(30);

#[test]
fn a_full_feed_makes_the_sender_wait_until_bytes_are_taken() {
    let (mut sender, receiver) = feed(10);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(sender.poll_send(&mut cx, &mut Some(chunk(8))), Poll::Ready(Ok(())));
    let mut second = Some(chunk(3));
    assert_eq!(sender.poll_send(&mut cx, &mut second), Poll::Pending);
    assert!(matches!(receiver.receive(PATIENT), Fed::Chunk(_)));
    assert_eq!(sender.poll_send(&mut cx, &mut second), Poll::Ready(Ok(())));
    assert!(second.is_none());
}

#[test]
fn a_chunk_larger_than_the_feed_passes_alone() {
    let (mut sender, receiver) = feed(10);
    assert_eq!(sender.send_blocking(chunk(1000)), Ok(()));
    assert!(matches!(receiver.receive(PATIENT), Fed::Chunk(_)));
    assert!(matches!(receiver.receive(Duration::ZERO), Fed::Waiting));
}

#[test]
fn small_chunks_are_joined_while_they_wait_and_large_ones_are_not_copied() {
    let (mut sender, receiver) = feed(1 << 20);
    let bytes: Vec<u8> = (0..150_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    for byte in &bytes {
        sender.send_blocking(Box::new([*byte])).unwrap();
    }
    let large = vec![7_u8; 200_000];
    let place = large.as_ptr();
    sender.send_blocking(Box::new(large)).unwrap();
    sender.finish();
    let mut chunks = Vec::new();
    while let Fed::Chunk(chunk) = receiver.receive(PATIENT) {
        chunks.push(chunk);
    }
    let lens: Vec<usize> = chunks.iter().map(|chunk| (**chunk).as_ref().len()).collect();
    assert_eq!(lens, [65_536, 65_536, 150_000 - 131_072, 200_000]);
    assert_eq!((**chunks.last().unwrap()).as_ref().as_ptr(), place);
    let joined = chunks[..3].iter().map(|chunk| (**chunk).as_ref()).collect::<Vec<_>>();
    assert_eq!(joined.concat(), bytes);
}

#[test]
fn a_blocked_sender_learns_that_the_receiver_is_gone() {
    let (mut sender, receiver) = feed(10);
    sender.send_blocking(chunk(10)).unwrap();
    let blocked = thread::spawn(move || sender.send_blocking(chunk(1)));
    drop(receiver);
    assert_eq!(blocked.join().unwrap(), Err(FeedClosed));
}

#[test]
fn an_end_is_told_from_an_abort_and_both_come_after_the_bytes() {
    let (mut sender, receiver) = feed(10);
    sender.send_blocking(chunk(1)).unwrap();
    sender.finish();
    assert!(matches!(receiver.receive(PATIENT), Fed::Chunk(_)));
    assert!(matches!(receiver.receive(PATIENT), Fed::End));
    let (sender, receiver) = feed(10);
    drop(sender);
    assert!(matches!(receiver.receive(PATIENT), Fed::Aborted));
}

#[test]
fn async_sending_ends_when_the_receiver_goes() {
    let (mut sender, receiver) = feed(1);
    sender.send_blocking(chunk(1)).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut sending = pin!(sender.send(chunk(1)));
    assert_eq!(sending.as_mut().poll(&mut cx), Poll::Pending);
    drop(receiver);
    assert_eq!(sending.as_mut().poll(&mut cx), Poll::Ready(Err(FeedClosed)));
}
