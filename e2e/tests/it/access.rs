//! Tokens and the second port, as those who run the service meet them: made by the program, put into a file,
//! asked for, and never shown.

use std::{fs, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use detections_e2e::{http::Client, program, server::Server, wait};

use crate::pictures::town;

const PATIENCE: Duration = Duration::from_secs(120);

/// A token and the entry that admits it, as `detections token new` gives them.
fn token(name: &str, scopes: &str) -> Result<(String, String)> {
    let made = program::command(["token", "new", "--name", name, "--scope", scopes])?.output()?;
    ensure!(made.status.success(), "{made:?}");
    let told = String::from_utf8(made.stderr)?;
    let token = told.split_whitespace().last().context("no token")?.to_owned();
    Ok((token, String::from_utf8(made.stdout)?))
}

#[test]
fn a_closed_service_lets_in_who_has_a_token_and_never_shows_it() -> Result<()> {
    let (detect, first) = token("camera-1", "detect")?;
    let (admin, second) = token("operator", "admin")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tokens.toml");
    fs::write(&file, format!("{first}{second}"))?;
    ensure!(!first.contains(&detect), "only the digest is written down");
    let server = Server::start(&[
        ("DETECTIONS__ACCESS__TOKENS_FILE", file.to_str().context("no text")?),
        ("DETECTIONS__LOG__FORMAT", "json"),
        ("LOG", "debug"),
    ])?;
    let client = server.client();
    let bearer = |token: &str| format!("Bearer {token}");
    let post = |headers: &[(&str, &str)]| client.post("/detect", headers, town()?);
    let refused = post(&[])?;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"detections\""));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(post(&[("authorization", "Bearer nobody")])?.json()?["code"], "invalid_token");
    let let_in = post(&[("authorization", &bearer(&detect))])?;
    assert_eq!(let_in.status, 200);
    let info = client.send(
        reqwest::Method::GET,
        "/info",
        &[("authorization", &bearer(&detect))],
        vec![],
    )?;
    assert_eq!(info.status, 200);
    let admin_only =
        client.post("/admin/nothing", &[("authorization", &bearer(&detect))], vec![])?;
    assert_eq!(
        (admin_only.status, admin_only.json()?["code"].as_str()),
        (403, Some("insufficient_scope"))
    );
    let nothing = client.post("/admin/nothing", &[("authorization", &bearer(&admin))], vec![])?;
    assert_eq!(nothing.status, 404);
    assert_eq!(client.get("/health")?.status, 200);
    server.wait_for_log("camera-1", PATIENCE)?;
    for text in [server.log(), refused.text(), let_in.text(), info.text(), admin_only.text()] {
        assert!(!text.contains(&detect) && !text.contains(&admin), "a token is shown");
    }
    Ok(())
}

#[test]
fn the_second_port_has_health_and_metrics_and_the_first_has_them_no_more() -> Result<()> {
    let server = Server::launch(&[("DETECTIONS__SERVER__MANAGEMENT_BIND", "127.0.0.1:0")])?;
    let line = server.wait_for_log("listening for management", PATIENCE)?;
    let (_, rest) = line.split_once("127.0.0.1:").context("no address")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let second = SocketAddr::from(([127, 0, 0, 1], port.parse()?));
    let management = Client::new(second)?;
    wait::until("readiness", PATIENCE, || {
        let reply = management.get("/health/ready").ok()?;
        (reply.status == 200).then_some(())
    })?;
    for path in ["/health", "/health/live", "/metrics"] {
        assert_eq!(management.get(path)?.status, 200, "{path}");
        assert_eq!(server.client().get(path)?.status, 404, "{path}");
    }
    assert_eq!(server.client().post("/detect", &[], town()?)?.status, 200);
    assert_eq!(management.post("/detect", &[], town()?)?.status, 404);
    let (bind, second) = (server.address().to_string(), second.to_string());
    let ports = [("BIND", bind.as_str()), ("DETECTIONS__SERVER__MANAGEMENT_BIND", &second)];
    let asked = program::run(["health"], &ports)?;
    assert!(asked.status.success(), "a container's health check: {asked:?}");
    Ok(())
}

#[test]
fn settings_that_cannot_close_it_stop_the_start() -> Result<()> {
    let mut command = program::command(["serve"])?;
    command.env("DETECTIONS__ACCESS__ISSUER", "https://id.example");
    let output = command.env("DETECTIONS__ACCESS__TOKENS_FILE", "/nowhere.toml").output()?;
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8(output.stderr)?;
    assert!(told.contains("access.tokens_file") && told.contains("/nowhere.toml"), "{told}");
    Ok(())
}

#[test]
fn a_token_is_taken_back_without_a_restart() -> Result<()> {
    let [(ada, first), (bob, second)] = [token("ada", "detect")?, token("bob", "detect")?];
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tokens.toml");
    fs::write(&file, &first)?;
    let server = Server::start(&[
        ("DETECTIONS__ACCESS__TOKENS_FILE", file.to_str().context("no text")?),
        ("DETECTIONS__ACCESS__TOKENS_REFRESH_MS", "20"),
    ])?;
    let status = |token: &str| -> Result<u16> {
        let bearer = format!("Bearer {token}");
        Ok(server.client().post("/detect", &[("authorization", &bearer)], town()?)?.status)
    };
    assert_eq!((status(&ada)?, status(&bob)?), (200, 401));
    fs::write(&file, "nonsense")?;
    server.wait_for_log("the list of tokens is wrong", PATIENCE)?;
    assert_eq!((status(&ada)?, status(&bob)?), (200, 401));
    fs::write(&file, &second)?;
    server.wait_for_log("another list of tokens holds", PATIENCE)?;
    assert_eq!((status(&ada)?, status(&bob)?), (401, 200));
    Ok(())
}
