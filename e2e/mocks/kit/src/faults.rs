//! The faults that are in force: rules in order, each counting whom it struck.

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::Method;
use serde::Serialize;

use crate::fault::{Fault, Rule};

/// Most rules at a time.
pub const MAX_RULES: usize = 256;

/// Rules in force; the first that is for a request and not spent strikes it.
#[derive(Debug, Default)]
pub struct FaultTable {
    rules: Mutex<Vec<Standing>>,
}

/// A rule in force, and what it did so far.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The rule as it was given.
    #[serde(flatten)]
    pub rule: Rule,
    /// Requests that it was for.
    pub matched: u64,
    /// Requests that it struck.
    pub struck: u64,
    #[serde(skip)]
    fault: Fault,
}

/// What strikes one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// What happens.
    pub fault: Fault,
    /// How long before it happens, in milliseconds.
    pub delay_ms: u64,
}

impl FaultTable {
    /// Puts these rules in force instead of those that were.
    ///
    /// # Errors
    /// Says which rule is wrong, and how; then the old ones stay in force.
    pub fn replace(&self, rules: Vec<Rule>) -> Result<(), String> {
        if rules.len() > MAX_RULES {
            return Err(format!("{} rules, at most {MAX_RULES}", rules.len()));
        }
        let stand = |(index, rule): (usize, Rule)| {
            let fault = rule.fault().map_err(|wrong| format!("rule {index}: {wrong}"))?;
            Ok(Standing { rule, matched: 0, struck: 0, fault })
        };
        let standing = rules.into_iter().enumerate().map(stand).collect::<Result<_, String>>()?;
        *self.lock() = standing;
        Ok(())
    }

    /// The rules in force.
    #[must_use]
    pub fn standing(&self) -> Vec<Standing> {
        self.lock().clone()
    }

    /// What strikes this request, if anything does.
    #[must_use]
    pub fn strike(&self, method: &Method, path: &str) -> Option<Strike> {
        self.lock().iter_mut().find_map(|standing| standing.strike(method, path))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn strike(&mut self, method: &Method, path: &str) -> Option<Strike> {
        let spent = self.rule.times.is_some_and(|times| self.struck >= times);
        if spent || !self.rule.is_for(method, path) {
            return None;
        }
        self.matched += 1;
        let beyond = self.matched.checked_sub(self.rule.skip + 1)?;
        if !beyond.is_multiple_of(self.rule.every) {
            return None;
        }
        self.struck += 1;
        Some(Strike { fault: self.fault.clone(), delay_ms: self.rule.delay_ms })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;

    use super::{FaultTable, MAX_RULES};
    use crate::fault::Rule;

    fn table(rules: &str) -> FaultTable {
        let table = FaultTable::default();
        table.replace(serde_json::from_str(rules).unwrap()).unwrap();
        table
    }

    fn strikes(table: &FaultTable, count: usize) -> Vec<bool> {
        (0..count).map(|_| table.strike(&Method::GET, "/models/a").is_some()).collect()
    }

    #[test]
    fn a_rule_is_spent_after_its_times() {
        let table = table(r#"[{"match":"/models/*","fault":"hang","times":2}]"#);
        assert_eq!(strikes(&table, 4), [true, true, false, false]);
        assert_eq!(table.standing()[0].struck, 2);
    }

    #[test]
    fn requests_can_pass_first_and_in_between() {
        let skipping = table(r#"[{"fault":"reset","skip":2,"times":1}]"#);
        assert_eq!(strikes(&skipping, 4), [false, false, true, false]);
        let flapping = table(r#"[{"fault":"reset","every":2}]"#);
        assert_eq!(strikes(&flapping, 4), [true, false, true, false]);
    }

    #[test]
    fn rules_are_for_a_method_and_a_path_and_the_first_strikes() {
        let table = table(
            r#"[{"match":"/b","fault":"hang"},{"method":"POST","fault":"hang"},
                {"fault":"status","status":500,"times":1},{"fault":"reset"}]"#,
        );
        assert_eq!(strikes(&table, 2), [true, true]);
        let struck: Vec<_> = table.standing().iter().map(|standing| standing.struck).collect();
        assert_eq!(struck, [0, 0, 1, 1]);
    }

    #[test]
    fn a_wrong_rule_leaves_the_old_ones_in_force() {
        let table = table(r#"[{"fault":"hang"}]"#);
        let wrong = r#"[{"fault":"hang"},{"fault":"slow"}]"#;
        let fault = table.replace(serde_json::from_str(wrong).unwrap()).unwrap_err();
        assert!(fault.starts_with("rule 1:"), "{fault}");
        let rule: Rule = serde_json::from_str(r#"{"fault":"hang"}"#).unwrap();
        assert!(table.replace(vec![rule; MAX_RULES + 1]).is_err());
        assert_eq!(table.standing().len(), 1);
    }
}
