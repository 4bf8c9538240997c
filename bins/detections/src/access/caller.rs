//! Who calls: the subject that a token names, and what it may do.

use std::sync::Arc;

use super::{Scope, Scopes};

/// Who is behind a token; two of the same are the same caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The holder of a token from the list, by its name.
    Token {
        /// As the list calls it.
        name: String,
    },
    /// The subject of a signed token.
    Signed {
        /// Who says so, where it is stated.
        issuer: Option<String>,
        /// Who it is.
        subject: String,
    },
}

impl Subject {
    /// What the log calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Token { name } => name,
            Self::Signed { subject, .. } => subject,
        }
    }
}

/// A caller that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    subject: Arc<Subject>,
    scopes: Scopes,
}

impl Caller {
    /// `subject` with these scopes.
    #[must_use]
    pub fn new(subject: Subject, scopes: Scopes) -> Self {
        Self { subject: Arc::new(subject), scopes }
    }

    /// Who it is.
    #[must_use]
    pub const fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Whether it may do what `scope` stands for.
    #[must_use]
    pub const fn allows(&self, scope: Scope) -> bool {
        self.scopes.allow(scope)
    }

    /// Whether it may see what belongs to `owner`: its own, or everything when it administrates.
    #[must_use]
    pub fn may_see(&self, owner: Option<&Subject>) -> bool {
        self.allows(Scope::Admin) || owner == Some(&*self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Scope, Scopes, Subject};

    fn signed(issuer: &str, subject: &str) -> Subject {
        Subject::Signed { issuer: Some(issuer.to_owned()), subject: subject.to_owned() }
    }

    #[test]
    fn only_the_owner_and_an_administrator_see_what_belongs_to_somebody() {
        let ada = Caller::new(signed("a", "ada"), Scopes::of([Scope::Jobs]));
        let root = Caller::new(signed("a", "root"), Scopes::of([Scope::Admin]));
        let token = Subject::Token { name: "ada".to_owned() };
        assert!(ada.may_see(Some(&signed("a", "ada"))));
        for other in [signed("b", "ada"), signed("a", "bob"), token] {
            assert!(!ada.may_see(Some(&other)), "{other:?}");
            assert!(root.may_see(Some(&other)), "{other:?}");
        }
        assert!(!ada.may_see(None) && root.may_see(None));
    }
}
