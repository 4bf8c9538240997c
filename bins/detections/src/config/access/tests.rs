//! What the settings of access are refused for, all at once.

use std::{fs, path::Path};

use crate::{
    access::{Area, Expected},
    config::{AccessConfig, Config, ConfigFaults, Forward, Overrides},
};

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn load(settings: &[(&str, &str)]) -> Result<Option<AccessConfig>, ConfigFaults> {
    let mut flags = Overrides::default();
    settings.iter().for_each(|(key, value)| flags.set("test", key, value));
    Config::load(None, [], &flags).map(|config| config.access)
}

#[track_caller]
fn problems(settings: &[(&str, &str)]) -> String {
    load(settings).unwrap_err().to_string()
}

fn write(folder: &Path, name: &str, text: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn key(name: &str) -> String {
    crate::access::signing::key_file(name).to_str().unwrap().to_owned()
}

#[test]
fn nothing_set_lets_everybody_in() {
    assert!(load(&[]).unwrap().is_none());
}

#[test]
fn tokens_alone_close_everything_but_health() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!("[[token]]\nname = \"a\"\nsha256 = \"{DIGEST}\"\nscopes = [\"admin\"]\n");
    let file = write(folder.path(), "tokens.toml", list.as_bytes());
    let access = load(&[("access.tokens_file", &file)]).unwrap().unwrap();
    assert_eq!((access.tokens.len(), access.jwt.is_none()), (1, true));
    assert_eq!((access.open, access.forward), (vec![Area::Health], Vec::new()));
    let file = [("access.tokens_file", file.as_str())];
    let open = |words| load(&[file[0], ("access.open", words)]).unwrap().unwrap().open;
    assert_eq!(open("metrics, docs"), [Area::Metrics, Area::Docs]);
    assert_eq!(open("none"), []);
}

#[test]
fn a_token_is_handed_on_only_to_services_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!("[[token]]\nname = \"a\"\nsha256 = \"{DIGEST}\"\nscopes = [\"admin\"]\n");
    let file = write(folder.path(), "tokens.toml", list.as_bytes());
    let forward = [("access.tokens_file", file.as_str()), ("access.forward", "loader,annotations")];
    let told = problems(&forward);
    for part in
        ["(from test): loader needs loader.url", "(from test): annotations needs annotations.url"]
    {
        assert!(told.contains(part), "`{part}` is missing in:\n{told}");
    }
    let services = [
        ("loader.url", "http://loader"),
        ("model.name", "m"),
        ("annotations.url", "http://annotations"),
    ];
    let access = load(&[&forward[..], &services].concat()).unwrap().unwrap();
    assert_eq!(access.forward, [Forward::Loader, Forward::Annotations]);
}

#[test]
fn signed_tokens_need_keys_an_issuer_and_an_audience() {
    let folder = tempfile::tempdir().unwrap();
    let secret = write(folder.path(), "secret", b"0123456789abcdef0123456789abcdef\n");
    let public = key("ec.pub.pem");
    let keys = [("access.secret_file", secret.as_str()), ("access.public_key_file", &public)];
    let told = problems(&keys);
    assert!(told.contains("access.issuer: must be set"), "{told}");
    assert!(told.contains("access.audience: must be set"), "{told}");
    let claims = [("access.issuer", "any"), ("access.audience", "a, b")];
    let jwt = load(&[keys, claims].concat()).unwrap().unwrap().jwt.unwrap();
    assert_eq!((jwt.keys.len(), jwt.rules.issuer), (2, Expected::Any));
    assert_eq!(jwt.rules.audience, Expected::OneOf(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!((jwt.rules.leeway.as_secs(), jwt.rules.scope_claim.as_str()), (60, "scope"));
}

#[test]
fn settings_that_would_leave_it_open_are_refused() {
    for (key, value) in [
        ("access.issuer", "x"),
        ("access.open", "none"),
        ("access.leeway_ms", "5"),
        ("access.jwks_http", "private"),
    ] {
        let told = problems(&[(key, value)]);
        assert!(told.contains("nothing to know a caller by"), "{key}: {told}");
    }
}

#[test]
fn every_fault_is_told_at_once_and_no_secret_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let short = write(folder.path(), "secret", b"hunter2\n");
    let list = write(folder.path(), "list.json", br#"[{"name":"a","sha256":"x","scopes":[]}]"#);
    let told = problems(&[
        ("access.secret_file", &short),
        ("access.public_key_file", &key("rsa.pem")),
        ("access.tokens_file", &list),
        ("access.jwks", "https://user:hunter3@id.example/keys"),
        ("access.issuer", "x"),
        ("access.audience", ""),
        ("access.leeway_ms", "600001"),
        ("access.scope_claim", "sub"),
        ("access.open", "health,everything"),
        ("access.forward", "nobody"),
        ("access.jwks_http", "yes"),
        ("access.colour", "red"),
    ]);
    for part in [
        "secret: the secret has 7 bytes, fewer than 32",
        "rsa.pem: it is a private key",
        "list.json: a: sha256 must be 64",
        "list.json: a: it has no scope",
        "access.jwks (from test): must not hold a user or a password",
        "access.audience (from test): has an empty word",
        "access.leeway_ms",
        "access.scope_claim",
        "but it is `everything`",
        "but it is `nobody`",
        "access.jwks_http",
        "access.colour (from test): unknown key",
    ] {
        assert!(told.contains(part), "`{part}` is missing in:\n{told}");
    }
    assert!(!told.contains("hunter"), "{told}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let told = problems(&[
        ("access.secret_file", "/nowhere/secret"),
        ("access.public_key_file", "/nowhere/key.pem"),
        ("access.tokens_file", "/nowhere/tokens.toml"),
        ("access.jwks", "/nowhere/keys.json"),
        ("access.issuer", "x"),
        ("access.audience", "y"),
    ]);
    for name in [
        "/nowhere/secret: ",
        "/nowhere/key.pem: ",
        "/nowhere/tokens.toml: ",
        "/nowhere/keys.json: ",
    ] {
        assert!(told.contains(name), "{told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let large = write(folder.path(), "large", &vec![b'x'; (1 << 20) + 1]);
    assert!(problems(&[("access.tokens_file", &large)]).contains("more than 1048576 bytes"));
}

#[test]
fn a_second_port_is_another_one() {
    let told = problems(&[("server.bind", "[::1]:80"), ("server.management_bind", "[::1]:80")]);
    assert!(told.contains("server.management_bind (from test): is the same"), "{told}");
    assert!(problems(&[("server.management_bind", "9000")]).contains("not host:port"));
}
