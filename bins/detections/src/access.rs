//! Who may call: what a bearer token proves, what it allows, and the keys that prove it. Nothing here knows
//! the web framework, and the time is given, so that an answer follows from token, settings and time alone.

mod bearer;
mod caller;
mod jwks;
mod jwt;
mod keys;
mod listed;
mod metrics;
mod needs;
mod refusal;
mod scope;
mod tokens;

use std::{io, sync::Arc, time::SystemTime};

pub(crate) use self::listed::read_file;
pub use self::{
    bearer::CallerToken,
    caller::{Caller, Subject},
    jwks::{JwksSource, PlainHttp, UrlFault},
    jwt::{ClaimRules, Expected},
    keys::{KeyError, KeySet, MIN_SECRET_BYTES},
    listed::TokensFile,
    metrics::AccessMetrics,
    needs::{Area, Need},
    refusal::Refusal,
    scope::{Scope, Scopes},
    tokens::{FreshToken, TokenFormat, TokenList},
};
use self::{jwks::Jwks, jwt::verify, listed::Listed};
use crate::config::{AccessConfig, Forward};

/// Decides who may call, by the settings and the keys of now.
#[derive(Debug)]
pub struct Access {
    config: AccessConfig,
    listed: Listed,
    jwks: Option<Jwks>,
    metrics: Arc<AccessMetrics>,
}

impl Access {
    /// Decides by these settings; a key set is not fetched, and a list of tokens not read again, before
    /// [`Access::watch`].
    #[must_use]
    pub fn new(config: AccessConfig, metrics: Arc<AccessMetrics>) -> Self {
        let jwks = config.jwt.as_ref().and_then(|jwt| jwt.jwks.clone());
        let jwks = jwks.map(|jwks| Jwks::new(jwks, Arc::clone(&metrics)));
        let listed = Listed::new(config.tokens.clone(), config.tokens_file.clone());
        Self { config, listed, jwks, metrics }
    }

    /// Starts the threads that keep a list of tokens and a key set fresh, where there is one to keep.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn watch(&self) -> io::Result<()> {
        self.listed.watch()?;
        self.jwks.as_ref().map_or(Ok(()), Jwks::watch)
    }

    /// Whether this service gets the caller's token.
    #[must_use]
    pub fn forwards_to(&self, target: Forward) -> bool {
        self.config.forward.contains(&target)
    }

    /// Whether anybody gets the caller's token, so that a request has to keep it.
    #[must_use]
    pub fn forwards(&self) -> bool {
        !self.config.forward.is_empty()
    }

    /// Lets a request in, by the values of its `Authorization` headers at the time `now`; without a caller
    /// where none is asked for.
    ///
    /// A token that names a key which is not known yet waits for the keys to be fetched, for a bounded time.
    ///
    /// # Errors
    /// [`Refusal`] says why not; it is counted.
    pub async fn admit<'a>(
        &self,
        need: Need,
        headers: impl IntoIterator<Item = &'a [u8]>,
        now: SystemTime,
    ) -> Result<Option<(Caller, CallerToken)>, Refusal> {
        if let Need::Area(area) = need
            && self.config.open.contains(&area)
        {
            return Ok(None);
        }
        let admitted = self.identify(need, headers, now).await;
        admitted.map(Some).inspect_err(|refusal| self.metrics.refused(refusal.reason()))
    }

    async fn identify<'a>(
        &self,
        need: Need,
        headers: impl IntoIterator<Item = &'a [u8]>,
        now: SystemTime,
    ) -> Result<(Caller, CallerToken), Refusal> {
        let token = CallerToken::from_headers(headers)?;
        let caller = match (self.check(&token, now), &self.jwks) {
            (Err(Refusal::UnknownKey), Some(jwks)) => {
                let fetched = jwks.refreshed().await;
                let outcome =
                    if fetched { self.check(&token, now) } else { Err(Refusal::UnknownKey) };
                match outcome {
                    Err(Refusal::UnknownKey) if jwks.keys().is_none() => {
                        Err(Refusal::KeysUnavailable)
                    }
                    outcome => outcome,
                }
            }
            (outcome, _) => outcome,
        }?;
        match need {
            Need::Scope(scope) if !caller.allows(scope) => Err(Refusal::Scope(scope)),
            Need::Scope(_) | Need::Token | Need::Area(_) => Ok((caller, token)),
        }
    }

    /// Who holds this token, by the keys that are known now.
    fn check(&self, token: &CallerToken, now: SystemTime) -> Result<Caller, Refusal> {
        if let Some(found) = self.listed.now().find(token.token(), now) {
            return found;
        }
        let Some(jwt) = &self.config.jwt else { return Err(Refusal::Unknown) };
        let fetched = self.jwks.as_ref().and_then(Jwks::keys);
        let sets = [Some(&jwt.keys), fetched.as_deref()];
        let waits_for_keys = self.jwks.is_some() && fetched.is_none();
        let keys = sets.into_iter().flatten().flat_map(KeySet::iter);
        let verified = verify(token.token(), keys, &jwt.rules, now);
        // Whether it is the wrong algorithm cannot be said before all keys are there.
        if waits_for_keys && verified == Err(Refusal::Algorithm) {
            return Err(Refusal::UnknownKey);
        }
        verified
    }
}

#[cfg(test)]
pub(crate) mod signing;
#[cfg(test)]
mod tests;
