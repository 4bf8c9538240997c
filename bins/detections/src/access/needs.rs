//! What each route asks of its caller. A path that nobody thought of asks for a token.

use super::Scope;

/// What may be left open to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// How the service is.
    Health,
    /// What is counted.
    Metrics,
    /// The description of the interface.
    Docs,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing where this area is open, else any token.
    Area(Area),
    /// Any token that is valid.
    Token,
    /// A token with this scope.
    Scope(Scope),
}

/// Each entry covers its path and all paths below it.
const NEEDS: [(&str, Need); 8] = [
    ("/health", Need::Area(Area::Health)),
    ("/metrics", Need::Area(Area::Metrics)),
    ("/docs", Need::Area(Area::Docs)),
    ("/openapi.json", Need::Area(Area::Docs)),
    ("/info", Need::Token),
    ("/detect", Need::Scope(Scope::Detect)),
    ("/jobs", Need::Scope(Scope::Jobs)),
    ("/admin", Need::Scope(Scope::Admin)),
];

impl Need {
    /// What a path asks for: the decoded path, by which routes are found, not the path as it was sent.
    #[must_use]
    pub fn of(path: &str) -> Self {
        Self::stated(path).unwrap_or(Self::Token)
    }

    /// The same, if it is written down.
    pub(crate) fn stated(path: &str) -> Option<Self> {
        let covers = |root: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        NEEDS.into_iter().find(|(root, _)| covers(root)).map(|(_, need)| need)
    }

    /// Whether such a route belongs to those who look after the service, and moves to their port.
    #[must_use]
    pub const fn is_management(self) -> bool {
        matches!(self, Self::Area(Area::Health | Area::Metrics) | Self::Scope(Scope::Admin))
    }
}

#[cfg(test)]
mod tests {
    use super::{Area, Need, Scope};

    #[test]
    fn each_path_asks_for_what_it_is_worth() {
        for (path, need) in [
            ("/detect", Need::Scope(Scope::Detect)),
            ("/detect/video", Need::Scope(Scope::Detect)),
            ("/jobs/6f0a/events", Need::Scope(Scope::Jobs)),
            ("/admin/reload", Need::Scope(Scope::Admin)),
            ("/health/ready", Need::Area(Area::Health)),
            ("/docs/index.html", Need::Area(Area::Docs)),
            ("/info", Need::Token),
            ("/healthy", Need::Token),
            ("/", Need::Token),
            ("/detection", Need::Token),
        ] {
            assert_eq!(Need::of(path), need, "{path}");
        }
    }
}
