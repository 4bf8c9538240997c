//! What is taken for a key, and which key a token gets.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{
    super::signing::{SECRET, all_keys, jwk, jwks, pem},
    KeyError, KeySet, Refusal, bits, choose, rsa_numbers,
};

#[test]
fn each_kind_of_key_is_for_one_algorithm() {
    let algorithms: Vec<_> = all_keys().iter().map(|key| key.algorithm()).collect();
    assert_eq!(algorithms, [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256]);
    assert!(!format!("{:?}", all_keys()).contains("0123456789"));
}

#[test]
fn weak_and_wrong_keys_are_refused() {
    let add = |pem: &[u8]| KeySet::default().add_pem(pem).unwrap_err();
    assert!(matches!(add(&pem("rsa1024.pub.pem")), KeyError::RsaBits { bits: 1024 }));
    assert!(matches!(add(&pem("p384.pub.pem")), KeyError::Kind));
    assert!(matches!(add(&pem("ed25519.pub.pem")), KeyError::Pem));
    assert!(matches!(add(&pem("rsa.pem")), KeyError::Private));
    assert!(matches!(add(&pem("ec.pem")), KeyError::Private));
    let half = pem("rsa.pub.pem");
    for bad in [&b""[..], b"no key", &half[..half.len() / 2], SECRET] {
        assert!(matches!(add(bad), KeyError::Pem));
    }
    let cut = KeySet::default().add_secret(&SECRET[1..]).unwrap_err();
    assert_eq!(cut.to_string(), "the secret has 31 bytes, fewer than 32");
}

#[test]
fn of_a_set_only_keys_for_verifying_are_taken() {
    let rsa = |changes: Value| jwk(Algorithm::RS256, &changes);
    let rejected = [
        rsa(json!({ "use": "enc" })),
        rsa(json!({ "alg": "RS512" })),
        rsa(json!({ "alg": "ES256" })),
        rsa(json!({ "n": "AQAB" })),
        rsa(json!({ "n": "?" })),
        rsa(json!({ "kty": "unknown" })),
        jwk(Algorithm::ES256, &json!({ "crv": "P-384" })),
        jwk(Algorithm::ES256, &json!({ "x": "AQAB" })),
        json!({ "kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" }),
        json!("a word"),
    ];
    for key in &rejected {
        let error = KeySet::from_jwks(jwks(std::slice::from_ref(key)).as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::Empty), "{key}");
    }
    let good = [
        rsa(json!({ "kid": "a", "use": "sig" })),
        rsa(json!({ "kid": "b", "alg": null })),
        jwk(Algorithm::ES256, &json!({ "kid": "c" })),
    ];
    let mixed: Vec<_> = rejected.into_iter().chain(good).collect();
    assert_eq!(KeySet::from_jwks(jwks(&mixed).as_bytes()).unwrap().len(), 3);
}

#[test]
fn what_is_no_set_or_too_large_is_refused() {
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert!(matches!(KeySet::from_jwks(text.as_bytes()), Err(KeyError::Set(_))), "{text}");
    }
    let many = vec![jwk(Algorithm::ES256, &json!({})); 65];
    let error = KeySet::from_jwks(jwks(&many).as_bytes()).unwrap_err();
    assert!(matches!(error, KeyError::TooMany { keys: 65 }));
}

#[test]
fn a_token_gets_the_key_that_it_names_and_no_other_kind() {
    let set = jwks(&[
        jwk(Algorithm::RS256, &json!({ "kid": "a" })),
        jwk(Algorithm::RS256, &json!({ "kid": "b" })),
        jwk(Algorithm::ES256, &json!({ "kid": "c" })),
    ]);
    let set = KeySet::from_jwks(set.as_bytes()).unwrap();
    let pick = |id, algorithm| choose(set.iter(), id, algorithm).map(|key| key.id.as_deref());
    assert_eq!(pick(Some("a"), Algorithm::RS256), Ok(Some("a")));
    assert_eq!(pick(Some("b"), Algorithm::RS256), Ok(Some("b")));
    assert_eq!(pick(None, Algorithm::ES256), Ok(Some("c")));
    assert_eq!(pick(None, Algorithm::RS256), Err(Refusal::UnknownKey));
    assert_eq!(pick(Some("d"), Algorithm::RS256), Err(Refusal::UnknownKey));
    assert_eq!(pick(Some("a"), Algorithm::ES256), Err(Refusal::Algorithm));
    assert_eq!(pick(Some("a"), Algorithm::HS256), Err(Refusal::Algorithm));
    assert_eq!(pick(None, Algorithm::HS256), Err(Refusal::Algorithm));
    let unnamed = all_keys();
    let pick = |id, algorithm| choose(unnamed.iter(), id, algorithm).map(|key| key.algorithm());
    assert_eq!(pick(Some("any"), Algorithm::HS256), Ok(Algorithm::HS256));
    assert_eq!(pick(None, Algorithm::ES256), Ok(Algorithm::ES256));
}

#[test]
fn damaged_der_is_no_key() {
    let key = jsonwebtoken::DecodingKey::from_rsa_pem(&pem("rsa.pub.pem")).unwrap();
    let der = key.try_get_as_bytes().unwrap();
    let (n, e) = rsa_numbers(der).unwrap();
    assert_eq!((bits(n), e), (2048, &[1, 0, 1][..]));
    for end in 0..der.len() {
        assert_eq!(rsa_numbers(&der[..end]), None, "cut at {end}");
    }
    assert_eq!(rsa_numbers(&[der, &[0]].concat()), None);
    assert_eq!(rsa_numbers(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x02]), None);
}

#[test]
fn leading_zeros_do_not_make_a_key_longer() {
    for (number, expected) in
        [(&[][..], 0), (&[0, 0], 0), (&[0, 1], 1), (&[0x80, 0], 16), (&[0x7f, 0], 15)]
    {
        assert_eq!(bits(number), expected, "{number:?}");
    }
}
