//! Work on a list by several threads whose results come out in the list's order. Every thread has a lane
//! of its own and a short backlog, so that a slow item holds up at most a bounded number of results.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, ScopedJoinHandle},
};

/// Results that a lane may have ready before it waits.
const BACKLOG: usize = 4;

/// A thread ended before its work did.
#[derive(Debug, thiserror::Error)]
#[error("a working thread stopped unexpectedly")]
pub(crate) struct LaneLost;

/// Calls `work` for each item on `threads` threads and `each` with the results, in order, on this one.
///
/// It ends early when `each` breaks: items that have not been begun stay undone.
///
/// # Errors
/// [`LaneLost`] when a thread could not be started or panicked.
pub(crate) fn in_order<T: Sync, R: Send>(
    items: &[T],
    threads: NonZeroUsize,
    work: impl Fn(&T) -> R + Sync,
    mut each: impl FnMut(R) -> ControlFlow<()>,
) -> Result<(), LaneLost> {
    let lanes = threads.get().min(items.len());
    thread::scope(|scope| {
        let mut results = Vec::with_capacity(lanes);
        let mut handles: Vec<ScopedJoinHandle<'_, ()>> = Vec::with_capacity(lanes);
        for lane in 0..lanes {
            let (sender, receiver) = sync_channel(BACKLOG);
            let work = &work;
            let run = move || run_lane(items.iter().skip(lane).step_by(lanes), work, &sender);
            let name = format!("picture-{lane}");
            let handle = thread::Builder::new().name(name).spawn_scoped(scope, run);
            handles.push(handle.map_err(|_spawn| LaneLost)?);
            results.push(receiver);
        }
        let outcome = collect(items.len(), &results, &mut each);
        drop(results);
        let ends: Vec<_> = handles.into_iter().map(ScopedJoinHandle::join).collect();
        if ends.iter().any(Result::is_err) { Err(LaneLost) } else { outcome }
    })
}

fn run_lane<'a, T: 'a, R>(
    items: impl Iterator<Item = &'a T>,
    work: &impl Fn(&T) -> R,
    results: &SyncSender<R>,
) {
    for item in items {
        if results.send(work(item)).is_err() {
            return;
        }
    }
}

fn collect<R>(
    items: usize,
    lanes: &[Receiver<R>],
    each: &mut impl FnMut(R) -> ControlFlow<()>,
) -> Result<(), LaneLost> {
    for lane in lanes.iter().cycle().take(items) {
        let result = lane.recv().map_err(|_closed| LaneLost)?;
        if each(result).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroUsize,
        ops::ControlFlow,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::{BACKLOG, in_order};

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn results_keep_the_order_of_the_items() {
        for lanes in [1, 2, 3, 7, 200] {
            let items: Vec<usize> = (0..100).collect();
            let mut squares = Vec::new();
            in_order(
                &items,
                threads(lanes),
                |n| n * n,
                |square| {
                    squares.push(square);
                    ControlFlow::Continue(())
                },
            )
            .unwrap();
            let expected: Vec<usize> = items.iter().map(|n| n * n).collect();
            assert_eq!(squares, expected, "{lanes}");
        }
    }

    #[test]
    fn breaking_leaves_the_rest_undone() {
        let items: Vec<usize> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let work = |&item: &usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            item
        };
        let mut seen = 0;
        let each = |item| {
            seen = item;
            if item == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        in_order(&items, threads(4), work, each).unwrap();
        assert_eq!(seen, 10);
        assert!(begun.into_inner() <= 11 + 4 * (BACKLOG + 2));
    }

    #[test]
    fn a_panic_is_an_error_and_no_hang() {
        let items: Vec<usize> = (0..50).collect();
        let work = |&item: &usize| assert_ne!(item, 20, "as the test wants");
        assert!(in_order(&items, threads(3), work, |()| ControlFlow::Continue(())).is_err());
    }

    #[test]
    fn no_items_need_no_thread() {
        in_order(&[0; 0], threads(4), |_| (), |()| ControlFlow::Continue(())).unwrap();
    }
}
