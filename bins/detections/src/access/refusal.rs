//! Why a caller is not let in: precise for counters, and for the client no more than it may know.

use super::Scope;

/// Why a caller is not let in. What it displays is meant for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No token was sent.
    #[error("this resource asks for a bearer token in the Authorization header")]
    Missing,
    /// The header speaks of something else than a bearer token.
    #[error("this resource asks for a bearer token in the Authorization header")]
    OtherScheme,
    /// There is more than one header, or what follows the scheme cannot be a token.
    #[error("the Authorization header is not one bearer token")]
    Malformed,
    /// The header is longer than any token.
    #[error("the token is too long")]
    TooLong,
    /// It is none of the known tokens, and cannot be a signed one.
    #[error("the token is not known")]
    Unknown,
    /// Its header is not that of a signed token, or asks for what is not supported.
    #[error("the token cannot be verified")]
    Header,
    /// No key is for the algorithm that it names.
    #[error("the token cannot be verified")]
    Algorithm,
    /// It names a key that is not known, or could be of more than one.
    #[error("the token cannot be verified")]
    UnknownKey,
    /// Its signature is wrong.
    #[error("the token cannot be verified")]
    Signature,
    /// Its claims cannot be read, or one is missing.
    #[error("the claims of the token cannot be read, or one of exp and sub is missing")]
    Claims,
    /// It is too late.
    #[error("the token has expired")]
    Expired,
    /// It is too early.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token was issued by somebody else")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is meant for another service")]
    Audience,
    /// It does not allow this.
    #[error("the token does not have the scope `{}`", .0.word())]
    Scope(Scope),
    /// The keys could not be fetched yet.
    #[error("the keys that tokens are verified with are not there yet")]
    KeysUnavailable,
}

impl Refusal {
    /// The word under which it is counted.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::OtherScheme => "other_scheme",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Unknown => "unknown",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Scope(_) => "scope",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}
