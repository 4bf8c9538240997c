//! Order, each event exactly once, spilling to disk and back, overflow, and resuming.

use std::{sync::Arc, thread, time::Duration};

use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

use super::{ENTRY_BYTES, EventKind, EventLog, EventsError, LogLimits, Reader, Retention};

fn log(memory_bytes: usize, spool_bytes: u64, retention: Retention) -> EventLog {
    EventLog::new(LogLimits { memory_bytes, spool_bytes, spool_dir: None, retention })
}

fn line(number: u64, length: usize) -> Vec<u8> {
    let mut line = number.to_string().into_bytes();
    line.resize(line.len().max(length), b'.');
    line
}

/// The number that a line begins with.
fn told(line: &[u8]) -> u64 {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

async fn rest(mut reader: Reader) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(entry) = reader.next().await.unwrap() {
        assert_eq!(told(&entry.line), entry.number);
        numbers.push(entry.number);
    }
    numbers
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(0_usize..200).prop_map(Step::Append), any::<bool>().prop_map(|_| Step::Read)]
}

/// Runs `steps`; what is refused is given again after the next read.
async fn run(steps: Vec<Step>, log: EventLog) {
    let (mut given, mut read) = (0, 0);
    let mut reader = log.read_after(0).unwrap();
    for step in steps {
        match step {
            Step::Append(length) => {
                given += u64::from(log.append(EventKind::Frame, line(given + 1, length)).is_ok());
            }
            Step::Read if read < given => {
                let entry = reader.next().await.unwrap().unwrap();
                read += 1;
                assert_eq!((entry.number, told(&entry.line)), (read, read));
            }
            Step::Read => {}
        }
    }
    log.close(EventKind::End, line(given + 1, 0));
    let expected: Vec<u64> = (read + 1..=given + 1).collect();
    assert_eq!(rest(reader).await, expected);
}

proptest! {
    #[test]
    fn each_event_comes_once_and_in_order(
        steps in prop::collection::vec(step(), 0..300),
        memory in 0_usize..2000,
        spool in 0_u64..2000,
        all in any::<bool>(),
    ) {
        let retention = if all { Retention::All } else { Retention::UntilRead };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps, log(memory, spool, retention)));
    }
}

#[tokio::test]
async fn a_full_log_says_so_and_still_has_room_for_its_last_word() {
    let log = log(2 * (ENTRY_BYTES + 10), 3 * 15, Retention::UntilRead);
    for number in 1..=5 {
        log.append(EventKind::Frame, line(number, 10)).unwrap();
    }
    let full = log.append(EventKind::Frame, line(6, 10)).unwrap_err();
    assert!(matches!(full, EventsError::Full));
    log.close(EventKind::Error, line(6, 1000));
    assert!(matches!(log.append(EventKind::Frame, line(7, 1)), Err(EventsError::Full)));
    assert_eq!(rest(log.read_after(0).unwrap()).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn what_was_read_makes_room_on_disk() {
    // An event is forgotten when the next one is asked for.
    let log = log(0, 100, Retention::UntilRead);
    let mut reader = log.read_after(0).unwrap();
    // Far more than the spool holds at once.
    for number in 1..=1000 {
        log.append(EventKind::Frame, line(number, 40)).unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().number, number);
    }
    assert!(matches!(log.read_after(0), Err(EventsError::Gone { first: 1000 })));
}

#[tokio::test]
async fn what_is_kept_for_all_can_be_read_from_anywhere_by_many() {
    let log = log(1000, 1 << 20, Retention::All);
    for number in 1..=5000 {
        log.append(EventKind::Frame, line(number, 100)).unwrap();
    }
    log.close(EventKind::End, line(5001, 0));
    for after in [0, 1, 7, 2500, 4999, 5000, 5001] {
        let expected: Vec<u64> = (after + 1..=5001).collect();
        assert_eq!(rest(log.read_after(after).unwrap()).await, expected, "{after}");
    }
    assert!(matches!(log.read_after(5002), Err(EventsError::Ahead { newest: 5001 })));
}

#[tokio::test(flavor = "current_thread")]
async fn a_reader_waits_for_a_writer_on_another_thread() {
    let log = log(500, 1 << 16, Retention::UntilRead);
    let reader = log.read_after(0).unwrap();
    let writer = thread::spawn({
        let log = log.clone();
        move || {
            for number in 1..=2000 {
                while log.append(EventKind::Frame, line(number, 50)).is_err() {
                    thread::yield_now();
                }
            }
            log.close(EventKind::End, line(2001, 0));
        }
    });
    let numbers = tokio::time::timeout(Duration::from_secs(60), rest(reader)).await.unwrap();
    assert_eq!(numbers, (1..=2001).collect::<Vec<u64>>());
    writer.join().unwrap();
}

#[tokio::test]
async fn a_reader_that_is_given_up_while_it_waits_loses_nothing() {
    let log = Arc::new(log(0, 1 << 16, Retention::UntilRead));
    let mut reader = log.read_after(0).unwrap();
    for number in 1..=50 {
        let early = tokio::time::timeout(Duration::ZERO, reader.next()).await;
        assert!(early.is_err(), "there is nothing yet");
        log.append(EventKind::Frame, line(number, 30)).unwrap();
        // Given up perhaps in the middle of reading from disk.
        let first = tokio::time::timeout(Duration::ZERO, reader.next()).await;
        let entry = match first {
            Ok(entry) => entry,
            Err(_elapsed) => reader.next().await,
        };
        assert_eq!(entry.unwrap().unwrap().number, number);
    }
}
