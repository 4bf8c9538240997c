//! Memory: what a large picture took is given back when its answer is sent.

use std::thread;

use anyhow::{Context, Result};
use detections_e2e::{process::resident_bytes, server::Server};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use crate::pictures::town;

const MIB: u64 = 1 << 20;

/// Sides of the large picture: 75 MiB of pixels, in a file of some tens of kilobytes.
const SIDE: u32 = 5000;

/// What may stay of three of them: less than half of one.
const MAY_STAY: u64 = 32 * MIB;

fn large_png() -> Result<Vec<u8>> {
    let mut png = Vec::new();
    let pixels = vec![90; SIDE as usize * SIDE as usize * 3];
    PngEncoder::new(&mut png).write_image(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8)?;
    Ok(png)
}

#[test]
fn large_pictures_leave_nothing_behind() -> Result<()> {
    let server = Server::start(&[])?;
    let small = || server.client().post("/detect", &[], town()?);
    assert_eq!(small()?.status, 200);
    let before = resident_bytes(server.pid()?)?;
    let png = large_png()?;
    for accept in ["application/json", "image/jpeg"] {
        let post = || server.client().post("/detect", &[("accept", accept)], png.clone());
        thread::scope(|scope| -> Result<()> {
            let clients: Vec<_> = (0..3).map(|_| scope.spawn(post)).collect();
            for client in clients {
                let reply = client.join().ok().context("a client panicked")??;
                assert_eq!(reply.status, 200, "{}", reply.text());
            }
            Ok(())
        })?;
        assert_eq!(small()?.status, 200);
        let after = resident_bytes(server.pid()?)?;
        let (more, before) = (after.saturating_sub(before) / MIB, before / MIB);
        assert!(after < before * MIB + MAY_STAY, "{more} MiB more than {before} MiB ({accept})");
    }
    Ok(())
}
