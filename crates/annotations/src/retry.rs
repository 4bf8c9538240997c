//! What becomes of a result after a try to post it: a decision over plain data, without clock or socket.

use std::time::{Duration, SystemTime};

/// Nobody makes us wait for longer.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The service answered.
    Status {
        /// The status.
        code: u16,
        /// For how long it wants to be spared.
        retry_after: Option<Duration>,
        /// The beginning of what it said.
        said: String,
    },
    /// There was no connection.
    Unreachable(String),
    /// The connection broke or the answer did not come in time.
    Broken(String),
}

/// What becomes of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has arrived.
    Delivered,
    /// It is tried again; its media waits.
    Again(Option<Duration>),
    /// It is tried again; all media wait.
    Spare(Option<Duration>),
    /// It was refused, which is counted; it is tried again until it has been refused too often.
    Refused(Option<Duration>),
    /// It would be refused each time.
    Dead,
}

/// Decides.
///
/// 2xx: arrived. 408, 425, 5xx, a broken connection: again. 429 and 503: again, and where they come with
/// `Retry-After`, the service as a whole is spared so long. No connection: again, and all media wait.
/// 400, 413, 422: dead at once, as they are about the body, which does not change. All others, redirects included
/// (a body and its token go nowhere else than configured): refused.
pub(crate) fn judge(reply: &Reply) -> Verdict {
    match *reply {
        Reply::Unreachable(_) => Verdict::Spare(None),
        Reply::Broken(_) => Verdict::Again(None),
        Reply::Status { code, retry_after, .. } => match code {
            200..=299 => Verdict::Delivered,
            429 | 503 if retry_after.is_some() => Verdict::Spare(retry_after),
            408 | 425 | 429 | 500..=599 => Verdict::Again(retry_after),
            400 | 413 | 422 => Verdict::Dead,
            _ => Verdict::Refused(retry_after),
        },
    }
}

/// The wait that `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the
/// answer's own `Date` where there is one, so that two clocks need not agree.
pub(crate) fn retry_after(value: &str, date: Option<&str>, wall: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = date.and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(wall);
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// Exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The wait after so many failures in a row: `unit` (0..=1) of the first wait doubled as often.
    pub(crate) fn delay(self, failures: u32, unit: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.longest).mul_f64(unit.clamp(0.0, 1.0)).max(self.first / 10)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Backoff, LONGEST_RETRY_AFTER, Reply, Verdict, judge, retry_after};

    const SECOND: Duration = Duration::from_secs(1);

    fn status(code: u16, after: Option<Duration>) -> Verdict {
        judge(&Reply::Status { code, retry_after: after, said: String::new() })
    }

    #[test]
    fn every_status_has_its_verdict() {
        let five = Some(5 * SECOND);
        for (codes, after, verdict) in [
            (&[200, 201, 204][..], None, Verdict::Delivered),
            (&[408, 425, 429, 500, 502, 503, 504], None, Verdict::Again(None)),
            (&[429, 503], five, Verdict::Spare(five)),
            (&[500, 408], five, Verdict::Again(five)),
            (&[400, 413, 422], five, Verdict::Dead),
            (&[401, 403, 404, 405, 409, 410, 415, 301, 307], None, Verdict::Refused(None)),
        ] {
            for &code in codes {
                assert_eq!(status(code, after), verdict, "{code}");
            }
        }
        assert_eq!(judge(&Reply::Unreachable(String::new())), Verdict::Spare(None));
        assert_eq!(judge(&Reply::Broken(String::new())), Verdict::Again(None));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_too_long() {
        let wall = SystemTime::UNIX_EPOCH + 784_111_777 * SECOND;
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(retry_after(" 7 ", None, wall), Some(7 * SECOND));
        assert_eq!(retry_after("99999999", None, wall), Some(LONGEST_RETRY_AFTER));
        assert_eq!(retry_after(later, None, wall), Some(30 * SECOND));
        assert_eq!(retry_after("soon", None, wall), None);
        assert_eq!(retry_after("-1", None, wall), None);
        // The local clock is years off, the service's own date is not.
        for wrong in [SystemTime::UNIX_EPOCH, wall + 1_000_000_000 * SECOND] {
            assert_eq!(retry_after(later, Some(date), wrong), Some(30 * SECOND));
        }
        assert_eq!(retry_after(later, None, SystemTime::UNIX_EPOCH), Some(LONGEST_RETRY_AFTER));
        assert_eq!(retry_after(date, None, wall + 9 * SECOND), Some(Duration::ZERO));
    }

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_only_shortens_them() {
        let backoff = Backoff { first: SECOND, longest: 60 * SECOND };
        let whole: Vec<u64> = (1..9).map(|n| backoff.delay(n, 1.0).as_secs()).collect();
        assert_eq!(whole, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.delay(u32::MAX, 0.5), 30 * SECOND);
        assert_eq!(backoff.delay(3, 0.0), SECOND / 10);
    }
}
