//! Opening and leaving a video at any point leaves nothing behind.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use detections_frames::{FrameSource, VideoOptions, VideoSource, feed};
use detections_types::CancelToken;

use super::make;

const ROUNDS: usize = 1000;
/// Rounds in which libraries fill their caches.
const WARM_UP: usize = 100;
/// How long threads may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Threads, open descriptors and resident bytes of this process.
fn held() -> (usize, usize, u64) {
    let count = |dir| fs::read_dir(dir).unwrap().count();
    let status = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split_whitespace().nth(1).unwrap().parse().unwrap();
    (count("/proc/self/task"), count("/proc/self/fd"), pages * 4096)
}

/// Runs in a process of its own, for other tests have threads and memory too.
#[test]
fn a_thousand_openings_and_aborts_leave_nothing_behind() {
    const ALONE: &str = "DETECTIONS_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return leave_often();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "video::leaks::a_thousand_openings_and_aborts_leave_nothing_behind"])
        .arg("--nocapture")
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
}

fn leave_often() {
    let arguments = format!("{} -c:v libx264 -movflags +faststart", make::moving("160x120", 12));
    let Some(bytes) = make::video("a.mp4", &arguments) else { return };
    (0..WARM_UP).for_each(|round| leave(&bytes, round));
    let before = held();
    (0..ROUNDS).for_each(|round| leave(&bytes, round));
    let after = settled(before.0);
    assert!(after.0 <= before.0, "threads: {} after {}", after.0, before.0);
    assert!(after.1 <= before.1, "descriptors: {} after {}", after.1, before.1);
    let grown = after.2.saturating_sub(before.2) >> 20;
    assert!(grown < 16, "{grown} MiB more than before");
}

/// What is held once no more than `threads` are left, for one that ends may still be seen for a moment.
fn settled(threads: usize) -> (usize, usize, u64) {
    let started = Instant::now();
    loop {
        let now = held();
        if now.0 <= threads || started.elapsed() > PATIENCE {
            return now;
        }
        thread::yield_now();
    }
}

/// Opens a video and leaves it: aborted in the header or in a frame, dropped with frames waiting, or ended.
fn leave(bytes: &[u8], round: usize) {
    let (mut sender, receiver) = feed(1 << 20);
    let sent = match round % 4 {
        0 => round * 7 % bytes.len(),
        1 => bytes.len() / 2 + round % (bytes.len() / 2),
        _ => bytes.len(),
    };
    sender.send_blocking(Box::new(bytes[..sent].to_vec())).unwrap();
    let pulled = match round % 4 {
        0 | 1 => {
            drop(sender);
            100
        }
        2 => round % 5,
        _ => {
            sender.finish();
            100
        }
    };
    let opened = VideoSource::open_feed(receiver, &VideoOptions::default(), CancelToken::new());
    let Ok(mut source) = opened else {
        return assert!(sent < bytes.len(), "all {sent} bytes are not enough: {:?}", opened.err());
    };
    for _ in 0..pulled {
        if !matches!(source.next_frame(), Ok(Some(_))) {
            return;
        }
    }
}
