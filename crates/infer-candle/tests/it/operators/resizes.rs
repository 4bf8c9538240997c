//! Enlarging and shrinking.

use proptest::prelude::*;

use super::{agrees_within, config};
use crate::write::{Graph, Kind, Setting};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn enlarged_and_shrunk_pictures(
        size in [1_usize..7, 1_usize..7], scales in [prop::sample::select(vec![0.5_f32, 1.0, 1.5, 2.0, 3.0]), prop::sample::select(vec![0.5_f32, 1.0, 1.5, 2.0, 3.0])],
        mode in prop::sample::select(vec!["nearest", "linear", "cubic"]),
        places in prop::sample::select(vec!["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"]),
        nearest in prop::sample::select(vec!["floor", "round_prefer_ceil"]),
    ) {
        prop_assume!(size.iter().zip(&scales).all(|(&size, scale)| f32::from(u8::try_from(size).unwrap()) * scale >= 1.0));
        let (mut graph, x) = Graph::new(&[1, 2, size[0], size[1]]);
        let scales = graph.singles(&[4], &[1.0, 1.0, scales[0], scales[1]]);
        let settings = [
            ("mode", Setting::Text(mode)),
            ("coordinate_transformation_mode", Setting::Text(places)),
            ("nearest_mode", Setting::Text(nearest)),
        ];
        let y = graph.node("Resize", &[&x, "", &scales], &settings);
        agrees_within(&graph, &[(&y, Kind::F32)], 1.0, 1e-4)?;
    }

    #[test]
    fn pictures_of_a_wanted_size(size in [1_usize..7, 1_usize..7], wanted in [1_i64..12, 1_i64..12], linear in any::<bool>()) {
        let (mut graph, x) = Graph::new(&[1, 2, size[0], size[1]]);
        let sizes = graph.integers(&[4], &[1, 2, wanted[0], wanted[1]]);
        let settings = [
            ("mode", Setting::Text(if linear { "linear" } else { "nearest" })),
            ("coordinate_transformation_mode", Setting::Text(if linear { "half_pixel" } else { "asymmetric" })),
            ("nearest_mode", Setting::Text("floor")),
        ];
        let y = graph.node("Resize", &[&x, "", "", &sizes], &settings);
        agrees_within(&graph, &[(&y, Kind::F32)], 1.0, 1e-4)?;
    }
}
