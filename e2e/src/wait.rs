//! Waiting for a condition with a deadline, so that no test sleeps and hopes.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// Between two looks at a condition that nobody announces.
const POLL: Duration = Duration::from_millis(10);

/// Looks at `condition` until it gives something.
///
/// # Errors
/// Says `what` did not come within `patience`.
pub fn until<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("{what} did not come within {patience:?}");
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::until;

    #[test]
    fn what_comes_is_given_and_what_does_not_is_named() {
        let mut looks = 0;
        let third = || {
            looks += 1;
            (looks == 3).then_some(looks)
        };
        assert_eq!(until("the third look", Duration::from_secs(60), third).unwrap(), 3);
        let never = until::<()>("doomsday", Duration::ZERO, || None).unwrap_err();
        assert!(never.to_string().contains("doomsday"));
    }
}
