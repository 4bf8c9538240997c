//! The one door for work: so many pictures and so many bytes at once, and not one more. A permit
//! belongs to the work, not to whoever waits for it, and gives everything back when it is dropped.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

/// The weight of the newest service time in the moving estimate is one part in this many.
const SMOOTHING: u32 = 8;

/// Nobody is told to stay away for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How much may be inside at once, and how much of it is worked on at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// Most pictures.
    pub items: usize,
    /// Most bytes of their bodies.
    pub bytes: u64,
    /// Pictures that are worked on at the same time.
    pub lanes: usize,
}

/// How much is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Pictures.
    pub items: usize,
    /// Bytes of their bodies.
    pub bytes: u64,
}

/// There is no room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server is full; try again in {} s", .retry_after.as_secs())]
pub struct Full {
    /// After which time there is probably room, in whole seconds, at least one.
    pub retry_after: Duration,
}

/// The door; clones are the same door.
///
/// ```
/// use detections::gate::{Gate, GateLimits};
///
/// let gate = Gate::new(GateLimits { items: 1, bytes: 1000, lanes: 1 });
/// let permit = gate.admit(400).unwrap();
/// assert!(gate.admit(1).is_err());
/// drop(permit);
/// assert!(gate.admit(1).is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Gate(Arc<Door>);

#[derive(Debug)]
struct Door {
    limits: GateLimits,
    inside: Mutex<Inside>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    load: Load,
    service: Option<Duration>,
}

impl Gate {
    /// An open door with nobody inside.
    #[must_use]
    pub fn new(limits: GateLimits) -> Self {
        Self(Arc::new(Door { limits, inside: Mutex::default(), emptied: Notify::new() }))
    }

    /// Lets one picture in whose body takes `bytes`, as far as is known.
    ///
    /// # Errors
    /// [`Full`] when that is one picture or too many bytes more than there may be.
    pub fn admit(&self, bytes: u64) -> Result<Permit, Full> {
        let mut inside = self.0.lock();
        if inside.load.items >= self.0.limits.items {
            return Err(self.0.full(&inside));
        }
        self.0.take(&mut inside, bytes)?;
        inside.load.items += 1;
        Ok(Permit { door: Arc::clone(&self.0), bytes })
    }

    /// Learns how long one picture kept a lane busy.
    pub fn observe(&self, service: Duration) {
        let mut inside = self.0.lock();
        inside.service = Some(match inside.service {
            Some(mean) => (mean * (SMOOTHING - 1) + service) / SMOOTHING,
            None => service,
        });
    }

    /// How much is inside.
    #[must_use]
    pub fn load(&self) -> Load {
        self.0.lock().load
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> GateLimits {
        self.0.limits
    }

    /// Waits until nobody is inside.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.0.emptied.notified();
            if self.load().items == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Door {
    // The counters are whole after each step, so a panic elsewhere under the lock leaves them usable.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, inside: &mut Inside, bytes: u64) -> Result<(), Full> {
        match inside.load.bytes.checked_add(bytes) {
            Some(total) if total <= self.limits.bytes => {
                inside.load.bytes = total;
                Ok(())
            }
            _ => Err(self.full(inside)),
        }
    }

    /// The time in which the lanes work off what is inside, by the service time seen of late.
    fn full(&self, inside: &Inside) -> Full {
        let rounds = inside.load.items.div_ceil(self.limits.lanes.max(1));
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        let wait = inside.service.unwrap_or_default().saturating_mul(rounds).min(LONGEST_WAIT);
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Full { retry_after: Duration::from_secs(u64::try_from(seconds).unwrap_or(1)) }
    }
}

/// The right of one picture to be inside.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back"]
pub struct Permit {
    door: Arc<Door>,
    bytes: u64,
}

impl Permit {
    /// Makes room for a body that turns out to take `total` bytes; never gives any back.
    ///
    /// # Errors
    /// [`Full`] when there is no room for the additional bytes.
    pub fn grow_to(&mut self, total: u64) -> Result<(), Full> {
        let more = total.saturating_sub(self.bytes);
        self.door.take(&mut self.door.lock(), more)?;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inside = self.door.lock();
        inside.load.items -= 1;
        inside.load.bytes -= self.bytes;
        if inside.load.items == 0 {
            self.door.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

    use super::{Gate, GateLimits, Load, Permit};

    const LIMITS: GateLimits = GateLimits { items: 4, bytes: 1000, lanes: 2 };

    #[derive(Debug, Clone)]
    enum Step {
        Admit(u64),
        Grow(usize, u64),
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..600).prop_map(Step::Admit),
            (any::<usize>(), 0_u64..1500).prop_map(|(who, total)| Step::Grow(who, total)),
            any::<usize>().prop_map(Step::Leave),
        ]
    }

    /// Takes one step; refusals must leave the load as it was.
    fn take(gate: &Gate, inside: &mut Vec<Permit>, step: &Step) {
        let before = gate.load();
        let refused = match *step {
            Step::Admit(bytes) => gate.admit(bytes).map(|permit| inside.push(permit)).is_err(),
            Step::Grow(who, total) if !inside.is_empty() => {
                let who = who % inside.len();
                inside[who].grow_to(total).is_err()
            }
            Step::Leave(who) if !inside.is_empty() => {
                drop(inside.swap_remove(who % inside.len()));
                false
            }
            Step::Grow(..) | Step::Leave(_) => false,
        };
        assert!(!refused || gate.load() == before);
    }

    proptest! {
        #[test]
        fn no_history_ever_exceeds_a_limit_or_loses_count(
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let gate = Gate::new(LIMITS);
            let mut inside: Vec<Permit> = Vec::new();
            for step in steps {
                take(&gate, &mut inside, &step);
                let expected = Load {
                    items: inside.len(),
                    bytes: inside.iter().map(|permit| permit.bytes).sum(),
                };
                assert_eq!(gate.load(), expected);
                assert!(expected.items <= LIMITS.items && expected.bytes <= LIMITS.bytes);
            }
            drop(inside);
            assert_eq!(gate.load(), Load::default());
        }
    }

    #[test]
    fn many_threads_at_once_never_exceed_the_limit() {
        let gate = Arc::new(Gate::new(LIMITS));
        let worker = |gate: Arc<Gate>| {
            move || {
                for round in 0..2000 {
                    let permit = gate.admit(round % 400);
                    let load = gate.load();
                    assert!(load.items <= LIMITS.items && load.bytes <= LIMITS.bytes, "{load:?}");
                    drop(permit);
                }
            }
        };
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(worker(Arc::clone(&gate)))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(gate.load(), Load::default());
    }

    #[test]
    fn the_wait_is_what_the_lanes_need_and_at_least_a_second() {
        let gate = Gate::new(LIMITS);
        let _inside: Vec<_> = (0..4).map(|_| gate.admit(1).unwrap()).collect();
        let wait = |gate: &Gate| gate.admit(1).unwrap_err().retry_after;
        assert_eq!(wait(&gate), Duration::from_secs(1));
        gate.observe(Duration::from_millis(2200));
        // Four pictures on two lanes at 2.2 s each.
        assert_eq!(wait(&gate), Duration::from_secs(5));
        gate.observe(Duration::from_secs(3600));
        assert_eq!(wait(&gate), Duration::from_secs(60));
    }

    #[tokio::test]
    async fn waiting_for_the_last_one_ends_when_it_leaves() {
        let gate = Gate::new(LIMITS);
        gate.emptied().await;
        let permit = gate.admit(1).unwrap();
        let waiting = {
            let gate = gate.clone();
            tokio::spawn(async move { gate.emptied().await })
        };
        tokio::task::yield_now().await;
        drop(permit);
        waiting.await.unwrap();
    }
}
