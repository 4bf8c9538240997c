//! The letterbox beside the same work in two passes (`fast_image_resize`, then a conversion to planes), and
//! over the formats in which frames come.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails loudly, its numbers are small, and criterion's macros make undocumented items"
)]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use detections_infer::{
    ChannelOrder, InputShape, Letterbox, Letterboxer, PixelScale, Placement, Preprocess,
};
use detections_types::{Image, PixelFormat, PlaneLayout, YuvColor, YuvMatrix, YuvRange};
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Canvas, ImageRef},
};

const PREPROCESS: Preprocess = Preprocess {
    order: ChannelOrder::Rgb,
    scale: PixelScale::Unit,
    placement: Placement::Centre,
    pad: Preprocess::GREY,
};

fn picture(width: u32, height: u32) -> Image {
    let bytes = (0..width * height * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    Image::rgb8(width, height, bytes.collect()).unwrap()
}

/// The two passes, with their buffers kept as well.
struct TwoPass {
    fit: Letterbox,
    resizer: Resizer,
    canvas: Canvas<'static>,
}

impl TwoPass {
    fn new(fit: Letterbox) -> Self {
        let canvas = Canvas::new(fit.width as u32, fit.height as u32, PixelType::U8x3);
        Self { fit, resizer: Resizer::new(), canvas }
    }

    fn write(&mut self, source: &ImageRef<'_>, input: InputShape, slot: &mut [f32]) {
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Interpolation(FilterType::Bilinear))
            .use_alpha(false);
        self.resizer.resize(source, &mut self.canvas, &options).unwrap();
        slot.fill(114.0 / 255.0);
        let plane = input.width * input.height;
        let (red, rest) = slot.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        for (y, row) in self.canvas.buffer().chunks_exact(self.fit.width * 3).enumerate() {
            let start = (self.fit.top + y) * input.width + self.fit.left;
            let line = start..start + self.fit.width;
            let places = red[line.clone()].iter_mut().zip(&mut green[line.clone()]);
            for ((pixel, (r, g)), b) in
                row.as_chunks::<3>().0.iter().zip(places).zip(&mut blue[line])
            {
                *r = f32::from(pixel[0]) * (1.0 / 255.0);
                *g = f32::from(pixel[1]) * (1.0 / 255.0);
                *b = f32::from(pixel[2]) * (1.0 / 255.0);
            }
        }
    }
}

fn letterbox(c: &mut Criterion) {
    for (width, height, side) in
        [(1080, 810, 416), (1920, 1080, 640), (640, 480, 384), (320, 240, 640)]
    {
        let image = picture(width, height);
        let input = InputShape { max_batch: 1, height: side, width: side };
        let mut slot = vec![0.0; input.image_len()];
        let mut group = c.benchmark_group(format!("letterbox {width}x{height} to {side}"));
        let mut ours = Letterboxer::new(PREPROCESS, input);
        group.bench_function("one pass", |b| {
            b.iter(|| ours.write(black_box(image.view()), &mut slot).unwrap());
        });
        let mut theirs = TwoPass::new(Letterbox::fit(width, height, input, Placement::Centre));
        let bytes = image.clone().into_data();
        let source = ImageRef::new(width, height, &bytes, PixelType::U8x3).unwrap();
        group.bench_function("fast_image_resize and conversion", |b| {
            b.iter(|| theirs.write(black_box(&source), input, &mut slot));
        });
        group.finish();
    }
}

/// A frame as decoders give it, each plane right behind the one before.
fn frame(format: PixelFormat, width: u32, height: u32) -> Image {
    let mut offset = 0;
    let planes = [0, 1, 2].map(|plane| {
        let (stride, rows) = format.plane_size(plane, width, height);
        let layout = PlaneLayout { offset, stride };
        offset += if plane < format.planes() { stride * rows } else { 0 };
        layout
    });
    let bytes: Vec<u8> =
        (0..offset as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Image::shared(width, height, format, planes, Arc::new(bytes)).unwrap()
}

/// Frames of a film in all formats.
fn film(c: &mut Criterion) {
    let color = YuvColor { matrix: YuvMatrix::Bt709, range: YuvRange::Limited };
    let formats = [
        ("RGB", PixelFormat::Rgb8),
        ("I420", PixelFormat::I420(color)),
        ("NV12", PixelFormat::Nv12(color)),
    ];
    for (width, height, side) in
        [(1920, 1080, 640), (1920, 1080, 416), (1280, 720, 640), (1280, 720, 416), (320, 240, 640)]
    {
        let input = InputShape { max_batch: 1, height: side, width: side };
        let mut slot = vec![0.0; input.image_len()];
        let mut group = c.benchmark_group(format!("film {width}x{height} to {side}"));
        for (name, format) in formats {
            let image = frame(format, width, height);
            let mut letterboxer = Letterboxer::new(PREPROCESS, input);
            group.bench_function(name, |b| {
                b.iter(|| letterboxer.write(black_box(image.view()), &mut slot).unwrap());
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = letterbox, film
}
criterion_main!(benches);
