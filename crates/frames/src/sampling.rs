//! Which frames of a video are wanted, and how that is written down.

use std::{fmt, num::NonZeroU64, str::FromStr};

/// Which frames are wanted; written `all`, `every:N`, `fps:X` or `keyframes`.
///
/// ```
/// use detections_frames::Sampling;
///
/// assert_eq!("fps:2.5".parse(), Ok(Sampling::Fps(2.5)));
/// assert_eq!(Sampling::Fps(2.5).to_string(), "fps:2.5");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Sampling {
    /// All.
    #[default]
    All,
    /// The first of every so many.
    Every(NonZeroU64),
    /// At most so many for each second of presentation time; above 0 and finite.
    Fps(f64),
    /// Only those that stand for themselves; the others are not even decoded.
    Keyframes,
}

/// A text does not say which frames are wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `all`, `every:N`, `fps:X` and `keyframes`, with N and X above 0")]
pub struct UnknownSampling(String);

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Every(step) => write!(f, "every:{step}"),
            Self::Fps(rate) => write!(f, "fps:{rate}"),
            Self::Keyframes => f.write_str("keyframes"),
        }
    }
}

impl FromStr for Sampling {
    type Err = UnknownSampling;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sampling = match text.split_once(':') {
            None if text == "all" => Some(Self::All),
            None if text == "keyframes" => Some(Self::Keyframes),
            Some(("every", step)) => step.parse().ok().map(Self::Every),
            Some(("fps", rate)) => rate.parse().ok().filter(is_a_rate).map(Self::Fps),
            _ => None,
        };
        sampling.ok_or_else(|| UnknownSampling(text.to_owned()))
    }
}

fn is_a_rate(rate: &f64) -> bool {
    rate.is_finite() && *rate > 0.0
}

#[cfg(test)]
mod tests {
    use super::Sampling;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["all", "every:5", "fps:2.5", "fps:30", "keyframes"] {
            assert_eq!(text.parse::<Sampling>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_words() {
        let bad = ["", "some", "every", "every:0", "every:-1", "every:1.5", "fps:0", "fps:-2"];
        for text in bad.into_iter().chain(["fps:inf", "fps:NaN", "fps:", "keyframes:2", "all:1"]) {
            let error = text.parse::<Sampling>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is none of")), "{error}");
        }
    }
}
