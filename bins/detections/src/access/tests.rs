//! Who is let in, by tokens of both kinds.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{
    Access, AccessMetrics, Area, CallerToken, FreshToken, Need, Refusal, Scope, TokenFormat,
    TokenList,
    caller::Caller,
    signing::{all_keys, claims, now, rules, sign},
};
use crate::config::{AccessConfig, Forward, JwtConfig};

fn access(tokens: &[&FreshToken], with_jwt: bool) -> Access {
    let entries: String = tokens.iter().map(|token| token.entry()).collect();
    let tokens = if tokens.is_empty() {
        TokenList::default()
    } else {
        TokenList::parse(&entries, TokenFormat::Toml).unwrap()
    };
    let jwt = JwtConfig { keys: all_keys(), jwks: None, rules: rules() };
    let config = AccessConfig {
        tokens,
        tokens_file: None,
        jwt: with_jwt.then_some(jwt),
        open: vec![Area::Health],
        forward: vec![Forward::Loader],
    };
    Access::new(config, Arc::new(AccessMetrics::default()))
}

async fn admit(
    access: &Access,
    need: Need,
    token: &str,
) -> Result<Option<(Caller, CallerToken)>, Refusal> {
    let header = format!("Bearer {token}");
    access.admit(need, [header.as_bytes()], now()).await
}

#[tokio::test]
async fn both_kinds_of_token_are_taken_side_by_side() {
    let fresh = FreshToken::make("ci", &[Scope::Detect], None).unwrap();
    let access = access(&[&fresh], true);
    let signed = sign(Algorithm::RS256, None, &claims(&json!({})));
    for (token, name) in [(fresh.token(), "ci"), (&signed, "ada")] {
        let need = Need::Scope(Scope::Detect);
        let (caller, kept) = admit(&access, need, token).await.unwrap().unwrap();
        assert_eq!(caller.subject().name(), name);
        assert_eq!(kept.token(), token);
        for scope in [Scope::Jobs, Scope::Admin] {
            let refusal = admit(&access, Need::Scope(scope), token).await.unwrap_err();
            assert_eq!(refusal, Refusal::Scope(scope));
        }
        assert!(admit(&access, Need::Token, token).await.is_ok());
    }
    assert!(access.forwards_to(Forward::Loader) && !access.forwards_to(Forward::Annotations));
}

#[tokio::test]
async fn only_what_is_configured_counts() {
    let fresh = FreshToken::make("ci", &[Scope::Detect], None).unwrap();
    let signed = sign(Algorithm::RS256, None, &claims(&json!({})));
    let only_tokens = access(&[&fresh], false);
    assert_eq!(admit(&only_tokens, Need::Token, &signed).await, Err(Refusal::Unknown));
    let only_signed = access(&[], true);
    assert_eq!(admit(&only_signed, Need::Token, fresh.token()).await, Err(Refusal::Unknown));
}

#[tokio::test]
async fn open_areas_ask_for_nothing_and_the_others_do() {
    let access = access(&[], true);
    let health = Need::Area(Area::Health);
    assert_eq!(access.admit(health, [], now()).await, Ok(None));
    assert_eq!(admit(&access, health, "not a token").await, Ok(None));
    for closed in [Need::Area(Area::Metrics), Need::Area(Area::Docs), Need::Token] {
        assert_eq!(access.admit(closed, [], now()).await, Err(Refusal::Missing), "{closed:?}");
    }
}
