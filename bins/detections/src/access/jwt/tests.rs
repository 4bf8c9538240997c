//! Tokens that are good, and all the ways in which they are not.

use jsonwebtoken::Algorithm;
use proptest::prelude::{Just, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

use super::{
    super::{
        ClaimRules, Expected, KeySet, Refusal, Scope,
        caller::Caller,
        signing::{NOW, SECRET, all_keys, claims, mac, now, pem, raw, rules, sign, signed_by},
    },
    verify,
};

const KNOWN: [Algorithm; 3] = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256];

fn read(token: &str) -> Result<Caller, Refusal> {
    verify(token, all_keys().iter(), &rules(), now())
}

fn with(changes: Value) -> Result<Caller, Refusal> {
    read(&sign(Algorithm::ES256, None, &claims(&changes)))
}

#[test]
fn a_good_token_says_who_and_what_for_all_three_algorithms() {
    for algorithm in KNOWN {
        let caller = read(&sign(algorithm, Some("any"), &claims(&json!({})))).unwrap();
        assert_eq!(caller.subject().name(), "ada");
        assert_eq!(Scope::ALL.map(|scope| caller.allows(scope)), [true, false, false]);
    }
}

#[test]
fn wrong_claims_are_told_apart() {
    for (changes, refusal) in [
        (json!({ "exp": NOW - 61 }), Refusal::Expired),
        (json!({ "exp": 0 }), Refusal::Expired),
        (json!({ "exp": -1e300 }), Refusal::Expired),
        (json!({ "nbf": NOW + 61 }), Refusal::NotYetValid),
        (json!({ "nbf": 1e300 }), Refusal::NotYetValid),
        (json!({ "iat": NOW + 61 }), Refusal::NotYetValid),
        (json!({ "iss": "https://evil.example" }), Refusal::Issuer),
        (json!({ "iss": "https://id.example/" }), Refusal::Issuer),
        (json!({ "iss": null }), Refusal::Issuer),
        (json!({ "aud": "detection" }), Refusal::Audience),
        (json!({ "aud": [] }), Refusal::Audience),
        (json!({ "aud": ["a", "b"] }), Refusal::Audience),
        (json!({ "aud": null }), Refusal::Audience),
        (json!({ "exp": null }), Refusal::Claims),
        (json!({ "exp": "1800000300" }), Refusal::Claims),
        (json!({ "exp": [NOW + 300] }), Refusal::Claims),
        (json!({ "nbf": "0" }), Refusal::Claims),
        (json!({ "nbf": true }), Refusal::Claims),
        (json!({ "iss": ["https://id.example"] }), Refusal::Claims),
        (json!({ "aud": 7 }), Refusal::Claims),
        (json!({ "sub": null }), Refusal::Claims),
        (json!({ "sub": "" }), Refusal::Claims),
        (json!({ "sub": 7 }), Refusal::Claims),
        (json!({ "sub": "x".repeat(513) }), Refusal::Claims),
    ] {
        assert_eq!(with(changes.clone()), Err(refusal), "{changes}");
    }
}

#[test]
fn clocks_may_differ_by_the_leeway_and_no_more() {
    for changes in [
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "iat": NOW + 60 }),
        json!({ "iat": null, "nbf": null }),
        json!({ "exp": 1.8e9 }),
        json!({ "aud": ["x", "detections"] }),
    ] {
        assert!(with(changes.clone()).is_ok(), "{changes}");
    }
    let token = sign(Algorithm::HS256, None, &claims(&json!({})));
    let long_ago = std::time::SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(9);
    let at = |time| verify(&token, all_keys().iter(), &rules(), time);
    assert_eq!(at(long_ago), Err(Refusal::NotYetValid));
    assert_eq!(at(now() + std::time::Duration::from_secs(3600)), Err(Refusal::Expired));
}

#[test]
fn checks_can_be_turned_off_only_by_name() {
    let lax = ClaimRules { issuer: Expected::Any, audience: Expected::Any, ..rules() };
    let token = sign(Algorithm::HS256, None, &claims(&json!({ "iss": null, "aud": null })));
    assert!(verify(&token, all_keys().iter(), &lax, now()).is_ok());
    assert_eq!(read(&token), Err(Refusal::Issuer));
}

#[test]
fn scopes_are_words_or_a_list_in_the_claim_that_is_asked_for() {
    let allowed = |changes: Value, claim: &str| {
        let rules = ClaimRules { scope_claim: claim.to_owned(), ..rules() };
        let token = sign(Algorithm::HS256, None, &claims(&changes));
        let caller = verify(&token, all_keys().iter(), &rules, now()).unwrap();
        Scope::ALL.map(|scope| caller.allows(scope))
    };
    assert_eq!(allowed(json!({ "scope": "jobs  x detect" }), "scope"), [true, true, false]);
    assert_eq!(allowed(json!({ "scope": ["jobs", 7] }), "scope"), [false, true, false]);
    assert_eq!(allowed(json!({ "roles": ["admin"] }), "roles"), [true; 3]);
    for nothing in [json!(null), json!(7), json!({ "admin": true }), json!("ADMIN,detect")] {
        assert_eq!(allowed(json!({ "scope": nothing }), "scope"), [false; 3]);
    }
}

#[test]
fn no_algorithm_but_that_of_a_key_is_believed() {
    let good = claims(&json!({})).to_string();
    for alg in ["none", "None", "NONE", "nOnE", "", "HS1", "hs256"] {
        for signature in [&b""[..], b"x"] {
            let header = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
            assert_eq!(read(&raw(&header, &good, signature)), Err(Refusal::Header), "{alg}");
        }
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = sign(algorithm, None, &claims(&json!({})));
        assert_eq!(read(&token), Err(Refusal::Algorithm), "{algorithm:?}");
    }
    let no_alg = raw(r#"{"typ":"JWT"}"#, &good, b"");
    assert_eq!(read(&no_alg), Err(Refusal::Header));
}

/// Whoever knows the public key signs with it as if it were a shared secret.
#[test]
fn a_public_key_is_no_secret() {
    let mut only_rsa = KeySet::default();
    only_rsa.add_pem(&pem("rsa.pub.pem")).unwrap();
    let mut only_ec = KeySet::default();
    only_ec.add_pem(&pem("ec.pub.pem")).unwrap();
    for (keys, file) in [(&only_rsa, "rsa.pub.pem"), (&only_ec, "ec.pub.pem")] {
        let header = json!({ "alg": "HS256" });
        let token = signed_by(&header, &claims(&json!({})), |message| mac(&pem(file), message));
        let verified = verify(&token, keys.iter(), &rules(), now());
        assert_eq!(verified, Err(Refusal::Algorithm), "{file}");
        assert_eq!(read(&token), Err(Refusal::Signature), "{file}, beside a real secret");
    }
}

#[test]
fn keys_in_the_header_and_what_is_called_critical_count_for_nothing() {
    let good = claims(&json!({}));
    let header = json!({
        "alg": "HS256",
        "jku": "https://evil.example/keys",
        "jwk": { "kty": "oct", "k": "dGhlIGF0dGFja2Vy" },
    });
    let own = signed_by(&header, &good, |message| mac(b"the attacker", message));
    assert_eq!(read(&own), Err(Refusal::Signature));
    let critical = json!({ "alg": "HS256", "crit": ["exp"] });
    let token = signed_by(&critical, &good, |message| mac(SECRET, message));
    assert_eq!(read(&token), Err(Refusal::Header));
}

#[test]
fn what_is_no_signed_token_is_not_known() {
    for text in ["", ".", "..", "a.b", "a.b.c.d", "...", "a..c", "eyJhbGciOiJIUzI1NiJ9.e30."] {
        let refusal = read(text).unwrap_err();
        let expected = [Refusal::Unknown, Refusal::Header, Refusal::Signature];
        assert!(expected.contains(&refusal), "{text}: {refusal:?}");
    }
    for claims in ["[]", "7", "\"sub\"", "{", r#"{"sub":"a","sub":"b","exp":9e9}"#] {
        let token = raw(r#"{"alg":"HS256"}"#, claims, b"x");
        assert_eq!(read(&token), Err(Refusal::Signature), "{claims}");
    }
}

proptest! {
    /// Whatever is changed of a token, it is not let in any more.
    #[test]
    fn no_changed_token_passes(
        algorithm in prop_oneof![Just(Algorithm::HS256), Just(Algorithm::ES256), Just(Algorithm::RS256)],
        place in any::<proptest::sample::Index>(),
        letter in "[A-Za-z0-9_=.-]",
        kind in 0..3,
    ) {
        let token = sign(algorithm, None, &claims(&json!({})));
        let at = place.index(token.len());
        let mut changed = token.clone();
        match kind {
            0 => changed.replace_range(at..=at, &letter),
            1 => changed.insert_str(at, &letter),
            _ => drop(changed.remove(at)),
        }
        if changed != token {
            prop_assert_eq!(read(&changed).is_ok(), false, "{}", changed);
        }
    }

    /// No text makes the reader fail in another way than by a refusal.
    #[test]
    fn any_text_is_refused(header in "\\PC{0,40}", body in "\\PC{0,40}", signature in "\\PC{0,20}") {
        let token = raw(&header, &body, signature.as_bytes());
        prop_assert_eq!(read(&token).is_ok(), false);
        prop_assert_eq!(read(&header).is_ok(), false);
    }
}
