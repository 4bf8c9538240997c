//! Frames are upright, square and of 8 bits at half the colour, whatever the video has.

use std::sync::Arc;

use detections_frames::to_rgb8;
use detections_types::{Image, PixelFormat, YuvMatrix, YuvRange};

use super::{decode, make};

/// Red on the left, blue on the right, both darker below.
const QUARTERS: &str = "-f lavfi -i color=red:size=160x120:rate=25,\
drawbox=x=80:y=0:w=80:h=60:color=blue:t=fill,drawbox=x=0:y=60:w=80:h=60:color=0x660000:t=fill,\
drawbox=x=80:y=60:w=80:h=60:color=0x000066:t=fill -frames:v 3";

fn first(name: &str, arguments: &str) -> Option<Arc<Image>> {
    let bytes = make::video(name, arguments)?;
    let decoded = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
    Some(Arc::clone(&decoded.frames[0].image))
}

/// Red, green and blue in the middle of each quarter: upper left, upper right, lower left, lower right.
fn quarters(image: &Image) -> [[u8; 3]; 4] {
    let rgb = to_rgb8(image.view()).unwrap();
    let (w, h) = (image.width(), image.height());
    [(w / 4, h / 4), (3 * w / 4, h / 4), (w / 4, 3 * h / 4), (3 * w / 4, 3 * h / 4)].map(
        |(x, y)| {
            let at = x as usize * 3;
            rgb.view().row(y)[at..at + 3].try_into().unwrap()
        },
    )
}

fn near(found: [u8; 3], wanted: [u8; 3]) -> bool {
    found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= 12)
}

const RED: [u8; 3] = [254, 0, 0];
const BLUE: [u8; 3] = [0, 0, 254];
const DARK_RED: [u8; 3] = [102, 0, 0];
const DARK_BLUE: [u8; 3] = [0, 0, 102];

fn assert_quarters(name: &str, image: &Image, wanted: [[u8; 3]; 4]) {
    let found = quarters(image);
    let equal = found.iter().zip(wanted).all(|(found, wanted)| near(*found, wanted));
    assert!(equal, "{name}: {found:?}, not {wanted:?}");
}

#[test]
fn rotation_tags_are_applied() {
    let upright = [RED, BLUE, DARK_RED, DARK_BLUE];
    let plain = format!("{QUARTERS} -c:v libx264 -pix_fmt yuv420p");
    let Some(bytes) = make::video("plain.mp4", &plain) else { return };
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    // The tag as `ffmpeg` takes it, and what `ffmpeg` itself then shows in the quarters.
    let turned = [
        ("0", (160, 120), upright),
        ("90", (120, 160), [BLUE, DARK_BLUE, RED, DARK_RED]),
        ("180", (160, 120), [DARK_BLUE, DARK_RED, BLUE, RED]),
        ("270", (120, 160), [DARK_RED, RED, DARK_BLUE, BLUE]),
    ];
    for (degrees, size, wanted) in turned {
        for container in ["a.mp4", "a.mov"] {
            let copy =
                format!("-i {} -c copy -metadata:s:v rotate={degrees}", file.path().display());
            let Some(image) = first(container, &copy) else { continue };
            assert_eq!((image.width(), image.height()), size, "{degrees}");
            assert_quarters(degrees, &image, wanted);
        }
    }
}

#[test]
fn deep_and_full_colours_become_eight_bits_at_half_the_colour() {
    let codecs = [
        ("10.mp4", "-c:v libx264 -pix_fmt yuv420p10le"),
        ("422.mp4", "-c:v libx264 -pix_fmt yuv422p"),
        ("444.mp4", "-c:v libx264 -pix_fmt yuv444p"),
        ("422-10.mp4", "-c:v libx264 -pix_fmt yuv422p10le"),
        ("10.mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le"),
        ("10.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le"),
        ("444.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv444p"),
        ("422.avi", "-c:v mjpeg -pix_fmt yuvj422p"),
        ("444.avi", "-c:v mjpeg -pix_fmt yuvj444p"),
    ];
    for (name, arguments) in codecs {
        let Some(image) = first(name, &format!("{QUARTERS} {arguments}")) else { continue };
        assert!(matches!(image.format(), PixelFormat::I420(_) | PixelFormat::Nv12(_)), "{name}");
        assert_quarters(name, &image, [RED, BLUE, DARK_RED, DARK_BLUE]);
    }
}

#[test]
fn odd_sides_keep_their_last_pixel() {
    for (name, arguments) in [
        ("a.webm", "-c:v libvpx"),
        ("b.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"),
        ("a.mp4", "-c:v libx264 -pix_fmt yuv444p"),
        ("a.avi", "-c:v mjpeg"),
    ] {
        let arguments = format!("{QUARTERS} -vf scale=161:121 {arguments}");
        let Some(image) = first(name, &arguments) else { continue };
        assert_eq!((image.width(), image.height()), (161, 121), "{name}");
        assert_quarters(name, &image, [RED, BLUE, DARK_RED, DARK_BLUE]);
    }
}

#[test]
fn pixels_that_are_not_square_become_so() {
    for (ratio, size) in [("4/3", (213, 120)), ("2/1", (320, 120)), ("1/1", (160, 120))] {
        let arguments = format!("{QUARTERS} -vf setsar={ratio} -c:v libx264 -pix_fmt yuv420p");
        let Some(image) = first("a.mp4", &arguments) else { return };
        let (width, height) = (image.width(), image.height());
        assert!(width.abs_diff(size.0) <= 1 && height == size.1, "{ratio}: {width}x{height}");
        assert_quarters(ratio, &image, [RED, BLUE, DARK_RED, DARK_BLUE]);
    }
}

#[test]
fn the_matrix_and_the_range_are_told() {
    let full = format!("{QUARTERS} -c:v mjpeg -pix_fmt yuvj420p");
    let Some(image) = first("a.avi", &full) else { return };
    let PixelFormat::I420(color) = image.format() else { panic!("{:?}", image.format()) };
    assert_eq!((color.matrix, color.range), (YuvMatrix::Bt601, YuvRange::Full));
    let high = format!(
        "{QUARTERS} -vf scale=out_color_matrix=bt709 -colorspace bt709 -c:v libx264 -pix_fmt yuv420p"
    );
    let Some(image) = first("a.mp4", &high) else { return };
    let PixelFormat::I420(color) = image.format() else { panic!("{:?}", image.format()) };
    assert_eq!((color.matrix, color.range), (YuvMatrix::Bt709, YuvRange::Limited));
    assert_quarters("bt709", &image, [RED, BLUE, DARK_RED, DARK_BLUE]);
}

#[test]
fn the_size_may_change_in_the_middle() {
    let part = |size| {
        make::video("a.h264", &format!("{} -c:v libx264 -pix_fmt yuv420p", make::moving(size, 10)))
    };
    let (Some(small), Some(large)) = (part("160x120"), part("320x240")) else { return };
    let decoded = decode([small, large].concat()).unwrap();
    assert!(decoded.fault.is_none(), "{:?}", decoded.fault);
    let widths: Vec<u32> = decoded.frames.iter().map(|frame| frame.image.width()).collect();
    assert_eq!(widths, [[160; 10], [320; 10]].concat());
}
