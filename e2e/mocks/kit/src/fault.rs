//! One fault and the rule that says when it strikes, as the control route takes them.

use actix_web::http::Method;
use serde::{Deserialize, Serialize};

use crate::pattern;

/// A rule as it is written: `{"match":"/models/*","times":2,"fault":"status","status":500}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The paths it is for; `*` stands for any characters.
    #[serde(rename = "match", default = "everything")]
    pub pattern: String,
    /// The method it is for; all when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many requests it strikes before it is spent; without end when not given.
    #[serde(default)]
    pub times: Option<u64>,
    /// How many matching requests pass before it strikes.
    #[serde(default)]
    pub skip: u64,
    /// It strikes each matching request of this number: 2 is every other one.
    #[serde(default = "one")]
    pub every: u64,
    /// What happens.
    pub fault: Name,
    /// `status`: the code that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `status`: the header `Retry-After`, in seconds or as a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// `slow`: how fast the answer's body goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_s: Option<u64>,
    /// `truncate`: how many bytes of the body go out before the connection is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<u64>,
    /// How long the request waits before anything else; for every fault.
    #[serde(default)]
    pub delay_ms: u64,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// Answers with a status of its own instead of the service.
    Status,
    /// The service's answer goes out slowly.
    Slow,
    /// The service's answer is cut before its end.
    Truncate,
    /// The digests that the answer states are those of something else.
    WrongHash,
    /// No answer comes until the client gives up, or for ten minutes.
    Hang,
    /// The connection is reset without an answer.
    Reset,
    /// The service answers as ever, after `delay_ms`.
    Delay,
}

/// What happens to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An answer of its own.
    Status {
        /// The code.
        code: u16,
        /// The header `Retry-After`.
        retry_after: Option<String>,
    },
    /// A body that goes out slowly.
    Slow {
        /// How fast.
        bytes_per_s: u64,
    },
    /// A body that is cut.
    Truncate {
        /// After how many bytes.
        after_bytes: u64,
    },
    /// Wrong digests.
    WrongHash,
    /// No answer.
    Hang,
    /// A connection that is reset.
    Reset,
    /// Nothing but the delay.
    Delay,
}

/// Longest that a rule may hold a request back.
const MAX_DELAY_MS: u64 = 600_000;

impl Rule {
    /// Whether it is for this request.
    #[must_use]
    pub fn is_for(&self, method: &Method, path: &str) -> bool {
        let method_fits = self.method.as_deref().is_none_or(|name| name == method.as_str());
        method_fits && pattern::matches(&self.pattern, path)
    }

    /// What it does, once it is known to be whole.
    ///
    /// # Errors
    /// Names the field that is missing, superfluous or out of range.
    pub fn fault(&self) -> Result<Fault, String> {
        self.check_ranges()?;
        self.check_fields()?;
        let needed = |field: &str| format!("fault `{:?}` needs `{field}`", self.fault);
        Ok(match self.fault {
            Name::Status => Fault::Status {
                code: self.status.ok_or_else(|| needed("status"))?,
                retry_after: self.retry_after.clone(),
            },
            Name::Slow => {
                Fault::Slow { bytes_per_s: self.bytes_per_s.ok_or_else(|| needed("bytes_per_s"))? }
            }
            Name::Truncate => Fault::Truncate {
                after_bytes: self.after_bytes.ok_or_else(|| needed("after_bytes"))?,
            },
            Name::WrongHash => Fault::WrongHash,
            Name::Hang => Fault::Hang,
            Name::Reset => Fault::Reset,
            Name::Delay => Fault::Delay,
        })
    }

    fn check_ranges(&self) -> Result<(), String> {
        if self.every == 0 {
            return Err("`every` is 0; 1 strikes each request".to_owned());
        }
        if self.delay_ms > MAX_DELAY_MS {
            return Err(format!("`delay_ms` is {}, at most {MAX_DELAY_MS}", self.delay_ms));
        }
        if self.bytes_per_s == Some(0) {
            return Err("`bytes_per_s` is 0; `hang` answers nothing at all".to_owned());
        }
        match self.status {
            Some(code) if !(200..=599).contains(&code) => {
                Err(format!("`status` is {code}, not within 200..=599"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A field that its fault does not read is a mistake of who wrote the rule.
    fn check_fields(&self) -> Result<(), String> {
        let given = [
            ("status", Name::Status, self.status.is_some()),
            ("retry_after", Name::Status, self.retry_after.is_some()),
            ("bytes_per_s", Name::Slow, self.bytes_per_s.is_some()),
            ("after_bytes", Name::Truncate, self.after_bytes.is_some()),
        ];
        match given.iter().find(|(_, reader, given)| *given && *reader != self.fault) {
            Some((field, ..)) => Err(format!("fault `{:?}` does not read `{field}`", self.fault)),
            None => Ok(()),
        }
    }
}

fn everything() -> String {
    "*".to_owned()
}

const fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::{Fault, Rule};

    fn fault(text: &str) -> Result<Fault, String> {
        serde_json::from_str::<Rule>(text).map_err(|error| error.to_string())?.fault()
    }

    #[test]
    fn whole_rules_are_taken() {
        let status = fault(r#"{"match":"/a","fault":"status","status":429,"retry_after":"2"}"#);
        assert_eq!(status, Ok(Fault::Status { code: 429, retry_after: Some("2".to_owned()) }));
        assert_eq!(fault(r#"{"fault":"hang","times":1}"#), Ok(Fault::Hang));
        assert_eq!(
            fault(r#"{"fault":"truncate","after_bytes":0}"#),
            Ok(Fault::Truncate { after_bytes: 0 })
        );
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_named() {
        for (text, field) in [
            (r#"{"fault":"status"}"#, "status"),
            (r#"{"fault":"status","status":99}"#, "status"),
            (r#"{"fault":"slow"}"#, "bytes_per_s"),
            (r#"{"fault":"slow","bytes_per_s":0}"#, "bytes_per_s"),
            (r#"{"fault":"truncate"}"#, "after_bytes"),
            (r#"{"fault":"hang","status":500}"#, "status"),
            (r#"{"fault":"reset","every":0}"#, "every"),
            (r#"{"fault":"delay","delay_ms":600001}"#, "delay_ms"),
            (r#"{"fault":"explode"}"#, "explode"),
            (r#"{"fault":"hang","tmies":3}"#, "tmies"),
        ] {
            let wrong = fault(text).unwrap_err();
            assert!(wrong.contains(field), "{text}: {wrong}");
        }
    }
}
