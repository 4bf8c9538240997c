//! Convolutions and poolings.

use proptest::prelude::*;

use super::{agrees, config, constants, ints};
use crate::write::{Graph, Kind, Setting};

/// Parameters of a kernel that moves over pictures.
#[derive(Debug, Clone)]
struct Moving {
    batch: usize,
    groups: usize,
    channels: usize,
    kernels: usize,
    size: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads: [usize; 4],
}

prop_compose! {
    fn moving()(
        batch in 1_usize..3, groups in 1_usize..4, channels in 1_usize..4, kernels in 1_usize..4,
        size in [6_usize..12, 6_usize..12], kernel in [1_usize..4, 1_usize..4],
        strides in [1_usize..4, 1_usize..4], dilations in [1_usize..3, 1_usize..3],
        pads in [0_usize..3, 0_usize..3, 0_usize..3, 0_usize..3], even in any::<bool>(),
    ) -> Moving {
        // Half of the cases are of the usual kind, whose rows and columns are treated alike.
        if even {
            return Moving {
                batch, groups, channels, kernels, size, kernel: [kernel[0]; 2],
                strides: [strides[0]; 2], dilations: [dilations[0]; 2], pads: [pads[0]; 4],
            };
        }
        Moving { batch, groups, channels, kernels, size, kernel, strides, dilations, pads }
    }
}

impl Moving {
    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![
            ("strides", Setting::Ints(ints(&self.strides))),
            ("dilations", Setting::Ints(ints(&self.dilations))),
            ("pads", Setting::Ints(ints(&self.pads))),
            ("group", Setting::Int(ints(&[self.groups])[0])),
        ]
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn convolutions(case in moving(), biased in any::<bool>()) {
        let Moving { batch, groups, channels, kernels, size: [h, w], kernel: [kh, kw], .. } = case;
        let (mut graph, x) = Graph::new(&[batch, groups * channels, h, w]);
        let shape = [groups * kernels, channels, kh, kw];
        let weights = graph.singles(&shape, &constants(shape.iter().product()));
        let bias = graph.singles(&[groups * kernels], &constants(groups * kernels));
        let inputs: &[&str] = if biased { &[&x, &weights, &bias] } else { &[&x, &weights] };
        let y = graph.node("Conv", inputs, &case.settings());
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn depthwise_convolutions(case in moving(), channels in 2_usize..20) {
        let Moving { batch, size: [h, w], kernel: [kh, kw], .. } = case;
        let case = Moving { groups: channels, ..case };
        let (mut graph, x) = Graph::new(&[batch, channels, h, w]);
        let weights = graph.singles(&[channels, 1, kh, kw], &constants(channels * kh * kw));
        let y = graph.node("Conv", &[&x, &weights], &case.settings());
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn convolutions_along_one_axis(
        channels in 1_usize..4, length in 5_usize..12, taps in 1_usize..4, stride in 1_usize..3,
        pads in [0_usize..3, 0_usize..3],
    ) {
        let (mut graph, x) = Graph::new(&[2, channels, length]);
        let weights = graph.singles(&[3, channels, taps], &constants(3 * channels * taps));
        let settings = [
            ("strides", Setting::Ints(ints(&[stride]))),
            ("pads", Setting::Ints(ints(&pads))),
        ];
        let y = graph.node("Conv", &[&x, &weights], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn transposed_convolutions(case in moving(), extra in 0_usize..2) {
        let Moving { batch, groups, channels, kernels, size: [h, w], kernel: [kh, kw], .. } = case;
        let (stride, dilation) = (case.strides[0], case.dilations[0]);
        let [top, left, bottom, right] = case.pads.map(|pad| pad.min(1));
        let (mut graph, x) = Graph::new(&[batch, groups * channels, h, w]);
        let shape = [groups * channels, kernels, kh, kw];
        let weights = graph.singles(&shape, &constants(shape.iter().product()));
        let bias = graph.singles(&[groups * kernels], &constants(groups * kernels));
        let extra = extra.min(stride.max(dilation) - 1);
        let settings = [
            ("strides", Setting::Ints(ints(&[stride; 2]))),
            ("dilations", Setting::Ints(ints(&[dilation; 2]))),
            ("pads", Setting::Ints(ints(&[top, left, bottom, right]))),
            ("output_padding", Setting::Ints(ints(&[extra; 2]))),
            ("group", Setting::Int(ints(&[groups])[0])),
        ];
        let y = graph.node("ConvTranspose", &[&x, &weights, &bias], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn poolings(case in moving(), largest in any::<bool>(), up in any::<bool>(), counted in any::<bool>()) {
        let Moving { batch, channels, size: [h, w], kernel, strides, .. } = case;
        let (mut graph, x) = Graph::new(&[batch, channels, h, w]);
        // No window may lie in the padding alone.
        let [kh, kw] = kernel.map(|taps| taps + 1);
        let [top, left, bottom, right] = case.pads;
        let pads = [top.min(kh / 2), left.min(kw / 2), bottom.min(kh / 2), right.min(kw / 2)];
        let mut settings = vec![
            ("kernel_shape", Setting::Ints(ints(&[kh, kw]))),
            ("strides", Setting::Ints(ints(&strides))),
            ("pads", Setting::Ints(ints(&pads))),
            ("ceil_mode", Setting::Int(up.into())),
        ];
        if !largest {
            settings.push(("count_include_pad", Setting::Int(counted.into())));
        }
        let y = graph.node(if largest { "MaxPool" } else { "AveragePool" }, &[&x], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn means_of_whole_pictures(channels in 1_usize..5, h in 1_usize..9, w in 1_usize..9) {
        let (mut graph, x) = Graph::new(&[2, channels, h, w]);
        let y = graph.node("GlobalAveragePool", &[&x], &[]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }
}
