//! What a token allows: three words, of which `admin` includes the others.

/// One thing that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Search pictures and videos.
    Detect,
    /// See and end one's own jobs.
    Jobs,
    /// Administrate, see everybody's jobs, and everything else.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Detect, Self::Jobs, Self::Admin];

    /// The word for it in tokens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Jobs => "jobs",
            Self::Admin => "admin",
        }
    }

    /// The scope that this word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Detect => 1,
            Self::Jobs => 2,
            Self::Admin => 4,
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// These scopes.
    #[must_use]
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// The scopes among these words; others mean something to somebody else.
    #[must_use]
    pub fn among<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(words.into_iter().filter_map(Scope::from_word))
    }

    /// Whether `scope` is one of them, or included in one of them.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, Scopes};

    #[test]
    fn admin_includes_the_others_and_foreign_words_mean_nothing() {
        let detect = Scopes::among(["openid", "detect", "Admin", "jobs "]);
        assert_eq!(Scope::ALL.map(|scope| detect.allow(scope)), [true, false, false]);
        let admin = Scopes::among(["admin"]);
        assert_eq!(Scope::ALL.map(|scope| admin.allow(scope)), [true; 3]);
        assert_eq!(Scope::ALL.map(|scope| Scopes::default().allow(scope)), [false; 3]);
    }
}
