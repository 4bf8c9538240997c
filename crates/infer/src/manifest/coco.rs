//! The names of the 80 object classes of COCO 2017, <https://cocodataset.org>, in the order in which
//! detectors trained on it number them.

/// Class 0 to 79.
#[rustfmt::skip] // Eighty lines of one word each would tell no more.
pub(super) const NAMES: [&str; 80] = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
];

/// The categories of COCO that no object of 2017 belongs to, between the first and the last.
const UNUSED: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The names by category number, 0 to 90, as models trained on the categories' own numbers have them; numbers
/// without a category are called so.
pub(super) fn by_category() -> Vec<String> {
    let mut names = NAMES.iter();
    let name = |number: usize| {
        let used = number > 0 && !UNUSED.contains(&number);
        let name = if used { names.next().copied() } else { None };
        name.map_or_else(|| format!("category_{number}"), String::from)
    };
    (0..=90).map(name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn categories_have_their_published_numbers() {
        let names = super::by_category();
        assert_eq!(names.len(), 91);
        let expected = [
            (0, "category_0"),
            (1, "person"),
            (12, "category_12"),
            (13, "stop sign"),
            (18, "dog"),
            (44, "bottle"),
            (67, "dining table"),
            (70, "toilet"),
            (84, "book"),
            (90, "toothbrush"),
        ];
        for (number, name) in expected {
            assert_eq!(names[number], name);
        }
    }
}
