//! The image itself: who runs in it, what can be written, what is in it, and what it says of itself.
//! Without `DETECTIONS_IMAGE` there is none, which a line says.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    image::{self, docker, try_docker},
    process::thread_count,
    server::Server,
    shared::skipped,
    wait,
};

/// What is asked of the processor image, uncompressed; in the other, NVIDIA's libraries alone are more.
const MOST_BYTES: u64 = 300_000_000;
/// Two seconds are promised where nothing else runs; tests run beside each other.
const HEALTHY_WITHIN: Duration = Duration::from_secs(20);

fn image() -> Option<String> {
    let image = image::under_test();
    if image.is_none() {
        skipped("DETECTIONS_IMAGE names no image");
    }
    image
}

/// What a shell in the image says.
fn shell(image: &str, script: &str) -> Result<String> {
    let run = ["run", "--rm", "--read-only", "--network=none", "--entrypoint=sh", image, "-c"];
    docker(&[&run[..], &[script]].concat())
}

#[test]
fn it_says_what_it_is_and_how_it_is_run() -> Result<()> {
    let Some(image) = image() else { return Ok(()) };
    let told = image::inspect(&image)?;
    let config = &told["Config"];
    assert_eq!(config["User"], "appuser");
    assert_eq!(config["Entrypoint"], serde_json::json!(["detections"]));
    assert!(config["ExposedPorts"]["8080/tcp"].is_object(), "{config}");
    for folder in ["/app/Logs", "/app/data"] {
        assert!(config["Volumes"][folder].is_object(), "{config}");
    }
    let check = &config["Healthcheck"];
    assert_eq!(
        (&check["Interval"], &check["Timeout"]),
        (&30_000_000_000_u64.into(), &5_000_000_000_u64.into()),
        "{check}"
    );
    for name in ["title", "description", "licenses", "version", "revision", "created"] {
        let label = &config["Labels"][format!("org.opencontainers.image.{name}")];
        assert!(label.as_str().is_some_and(|text| !text.is_empty()), "{name}: {config}");
    }
    let size = told["Size"].as_u64().context("no size")?;
    let with_cuda = config["Labels"]["org.opencontainers.image.title"] == "detections-gpu";
    ensure!(with_cuda || size < MOST_BYTES, "{size} bytes");
    Ok(())
}

#[test]
fn it_runs_as_a_user_without_password_and_writes_nowhere_else() -> Result<()> {
    let Some(image) = image() else { return Ok(()) };
    assert_eq!(
        shell(&image, "id -un; id -u")?.split_whitespace().collect::<Vec<_>>(),
        ["appuser", "10001"]
    );
    let shadow =
        ["run", "--rm", "--user=0", "--entrypoint=grep", &image, "^appuser:", "/etc/shadow"];
    let entry = docker(&shadow)?;
    assert!(entry.split(':').nth(1).is_some_and(|word| word.starts_with('!')), "{entry}");
    // Without it every start would look through all plugins again.
    assert_eq!(
        shell(&image, "test -r /app/gstreamer.registry && echo readable")?.trim(),
        "readable"
    );
    let script = "for folder in /app /etc /usr/local/bin /var /app/Logs /app/data; do \
        touch $folder/x 2>/dev/null && echo $folder; done; true";
    let written = shell(&image, script)?;
    assert_eq!(written.split_whitespace().collect::<Vec<_>>(), ["/app/Logs", "/app/data"]);
    Ok(())
}

#[test]
fn it_holds_no_compiler_no_package_lists_and_nothing_that_gives_more_rights() -> Result<()> {
    let Some(image) = image() else { return Ok(()) };
    let script = "for tool in cc gcc g++ clang ld as make rustc cargo python3 curl wget; do \
        command -v $tool; done; find / -xdev -name '*.h' -o -xdev -name '*.a' -o -xdev -perm -4000 -type f \
        2>/dev/null; ls /var/lib/apt/lists";
    let found = shell(&image, &format!("{script}; true"))?;
    assert_eq!(found.trim(), "");
    Ok(())
}

#[test]
fn it_names_everything_that_it_is_made_of() -> Result<()> {
    let Some(image) = image() else { return Ok(()) };
    let crates: serde_json::Value =
        serde_json::from_str(&shell(&image, "cat /app/sbom/crates.cdx.json")?)?;
    assert_eq!(crates["bomFormat"], "CycloneDX");
    let components = crates["components"].as_array().context("no components")?;
    for name in ["actix-web", "gstreamer", "tract-core", "detections-pipeline"] {
        assert!(components.iter().any(|one| one["name"] == name), "{name} is not in the list");
    }
    for name in ["criterion", "detections-mock-kit"] {
        assert!(!components.iter().any(|one| one["name"] == name), "{name} is in the list");
    }
    let packages = shell(&image, "cat /app/sbom/media-packages.tsv")?;
    assert!(packages.contains("gstreamer1.0-libav"), "{packages}");
    Ok(())
}

#[test]
fn it_becomes_healthy_by_its_own_check_with_nothing_but_a_port() -> Result<()> {
    let Some(image) = image() else { return Ok(()) };
    let name = format!("detections-e2e-healthy-{}", std::process::id());
    let run =
        ["run", "--detach", "--read-only", "--health-interval=250ms", "--name", &name, &image];
    docker(&run)?;
    let health = wait::until("health", HEALTHY_WITHIN, || {
        let told = docker(&["inspect", "--format={{.State.Health.Status}}", &name]).ok()?;
        (told.trim() != "starting").then(|| told.trim().to_owned())
    });
    let log = try_docker(&["logs", &name]);
    drop(try_docker(&["rm", "--force", "--volumes", &name])?);
    assert_eq!(health?, "healthy", "{log:?}");
    Ok(())
}

#[test]
fn the_server_under_test_has_no_rights_at_all() -> Result<()> {
    let Some(_) = image() else { return Ok(()) };
    let server = Server::start(&[])?;
    let pid = server.pid()?;
    assert!(thread_count(pid)? > 1);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|rest| rest.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(field("Uid:").as_deref(), Some("10001 10001 10001 10001"));
    assert_eq!(field("CapEff:").as_deref(), Some("0000000000000000"));
    assert_eq!(field("NoNewPrivs:").as_deref(), Some("1"));
    Ok(())
}
