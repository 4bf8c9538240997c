//! Graphs that were cut in front of a suppression of their own.

use detections_types::{BoxNumbers, Proposals, Suppression};

use super::{Outputs, SIX, resolve, several};
use crate::{HeadKind, InferError};

#[test]
fn what_a_graph_would_suppress_is_read_in_its_own_form_and_the_reason_says_so() {
    let cut = |outputs: Outputs<'_>, given, boxes| {
        let mut model = several(&[1, 3, 640, 640], outputs, &[("names", SIX)]);
        let (node, outputs) = ("NonMaxSuppression `/nms`".to_owned(), Vec::new());
        model.suppression = Some(Suppression { node, outputs, given, boxes });
        resolve(&model)
    };
    let pair: Outputs<'_> = &[("boxes", &[1, 900, 4]), ("scores", &[1, 6, 900])];
    for boxes in [BoxNumbers::Corners, BoxNumbers::Centre] {
        let found = cut(pair, Proposals::Apart, boxes).unwrap();
        assert_eq!((found.head.kind(), found.head.classes()), (HeadKind::NmsInput, 6));
        assert!(!found.head.is_final());
        assert!(found.head_reason.contains("in front of its NonMaxSuppression `/nms`"));
    }
    let rows: Outputs<'_> = &[("rows", &[1, 10, 8400])];
    let corners = cut(rows, Proposals::Together, BoxNumbers::Corners).unwrap().head;
    let centres = cut(rows, Proposals::Together, BoxNumbers::Centre).unwrap().head;
    assert_eq!((corners.kind(), centres.kind()), (HeadKind::Yolov8, HeadKind::Yolov8));
    assert_ne!(corners, centres);
    let odd: Outputs<'_> = &[("boxes", &[1, 900, 4]), ("scores", &[1, 6, 800])];
    let refused = cut(odd, Proposals::Apart, BoxNumbers::Corners);
    assert!(matches!(refused, Err(InferError::HeadUnknown { .. })));
}
