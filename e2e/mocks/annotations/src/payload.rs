//! What a result must look like. The first field that is wrong is named by its path; fields that are
//! not known are let through, so that a sender may say more.

use serde_json::Value;

/// Checks a result.
///
/// # Errors
/// Names the field that is missing or wrong, and what was expected.
pub fn check(body: &Value) -> Result<(), String> {
    let body = At { path: String::new(), value: Some(body) };
    media(&body.field("media"))?;
    let model = body.field("model");
    model.field("name").text()?;
    model.field("sha256").digest()?;
    body.field("params").object()?;
    let frame = body.field("frame");
    frame.field("index").whole()?;
    // A picture has no time.
    let time = frame.field("pts_ms");
    if time.given() || body.field("media").field("kind").text()? == "video" {
        time.number()?;
    }
    let image = body.field("image");
    image.field("width").whole()?;
    image.field("height").whole()?;
    body.field("detections").items()?.iter().try_for_each(detection)?;
    let jpeg = body.field("frame_jpeg");
    if jpeg.given() { jpeg.text().map(drop) } else { Ok(()) }
}

fn media(media: &At<'_>) -> Result<(), String> {
    // A video that was cut off has no digest of a whole file.
    let digest = media.field("sha256");
    if digest.given() {
        digest.digest()?;
    }
    for text in ["fingerprint", "name"].map(|name| media.field(name)) {
        if text.given() {
            text.text()?;
        }
    }
    match media.field("kind").text()? {
        "image" | "video" => Ok(()),
        _ => media.field("kind").wrong("`image` or `video`"),
    }
}

fn detection(detection: &At<'_>) -> Result<(), String> {
    detection.field("class_id").whole()?;
    detection.field("class").text()?;
    let confidence = detection.field("confidence");
    if !(0.0..=1.0).contains(&confidence.number()?) {
        return confidence.wrong("a number within 0..=1");
    }
    let edges = detection.field("box");
    let [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map(|edge| edges.field(edge).number());
    if x1? > x2? || y1? > y2? {
        return edges.wrong("a box whose first corner is not behind its second");
    }
    let track = detection.field("track_id");
    if track.given() { track.whole().map(drop) } else { Ok(()) }
}

/// A value and where it stands.
struct At<'body> {
    path: String,
    value: Option<&'body Value>,
}

impl<'body> At<'body> {
    fn field(&self, name: &str) -> Self {
        let value = self.value.and_then(|value| value.get(name));
        Self { path: format!("{}/{name}", self.path), value }
    }

    fn given(&self) -> bool {
        self.value.is_some_and(|value| !value.is_null())
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, String> {
        let found = match self.value {
            None => "missing",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "a truth value",
            Some(Value::Number(_)) => "a number",
            Some(Value::String(_)) => "a text",
            Some(Value::Array(_)) => "a list",
            Some(Value::Object(_)) => "an object",
        };
        Err(format!("{} is {found}, expected {expected}", self.path))
    }

    fn text(&self) -> Result<&'body str, String> {
        self.value.and_then(Value::as_str).map_or_else(|| self.wrong("a text"), Ok)
    }

    fn number(&self) -> Result<f64, String> {
        self.value.and_then(Value::as_f64).map_or_else(|| self.wrong("a number"), Ok)
    }

    fn whole(&self) -> Result<u64, String> {
        self.value.and_then(Value::as_u64).map_or_else(|| self.wrong("a whole number"), Ok)
    }

    fn object(&self) -> Result<(), String> {
        self.value.and_then(Value::as_object).map_or_else(|| self.wrong("an object"), |_| Ok(()))
    }

    fn items(&self) -> Result<Vec<Self>, String> {
        let Some(items) = self.value.and_then(Value::as_array) else {
            return self.wrong("a list");
        };
        let at =
            |(index, value)| Self { path: format!("{}/{index}", self.path), value: Some(value) };
        Ok(items.iter().enumerate().map(at).collect())
    }

    fn digest(&self) -> Result<(), String> {
        let digits = self.text()?;
        let whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if whole { Ok(()) } else { self.wrong("64 hexadecimal digits") }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    fn good() -> Value {
        json!({
            "media": {"sha256": "0".repeat(64), "fingerprint": "f", "name": "a.jpg", "kind": "image"},
            "model": {"name": "m", "sha256": "1".repeat(64)},
            "params": {"confidence": 0.25},
            "frame": {"index": 0, "pts_ms": 0.0},
            "detections": [{"class_id": 2, "class": "car", "confidence": 0.9,
                "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0}, "track_id": 7}],
            "image": {"width": 10, "height": 10},
        })
    }

    #[test]
    fn whole_results_are_taken_and_may_say_more_or_less() {
        assert_eq!(check(&good()), Ok(()));
        let mut timeless = good();
        timeless["frame"]["pts_ms"] = Value::Null;
        assert_eq!(check(&timeless), Ok(()));
        timeless["media"]["kind"] = json!("video");
        assert!(check(&timeless).unwrap_err().starts_with("/frame/pts_ms is null"));
        let mut cut = good();
        cut["media"]["sha256"] = Value::Null;
        cut["media"]["id"] = json!("stream-1");
        cut["frame_jpeg"] = json!("AAAA");
        assert_eq!(check(&cut), Ok(()));
    }

    #[test]
    fn the_first_wrong_field_is_named() {
        for (path, value) in [
            ("/media/kind", json!("sound")),
            ("/media/sha256", json!("xyz")),
            ("/media/name", json!(7)),
            ("/model/sha256", Value::Null),
            ("/params", json!([])),
            ("/frame/index", json!(-1)),
            ("/frame/pts_ms", json!("0")),
            ("/image/width", json!(1.5)),
            ("/detections", json!({})),
            ("/detections/0/confidence", json!(1.5)),
            ("/detections/0/class", Value::Null),
            ("/detections/0/box/x1", json!("a")),
            ("/detections/0/track_id", json!("t")),
        ] {
            let mut body = good();
            *body.pointer_mut(path).unwrap() = value;
            let fault = check(&body).unwrap_err();
            assert!(fault.starts_with(path), "{path}: {fault}");
        }
        let mut twisted = good();
        twisted["detections"][0]["box"]["x2"] = json!(0.0);
        assert!(check(&twisted).unwrap_err().starts_with("/detections/0/box"));
        assert!(check(&json!([])).unwrap_err().contains("/media/kind is missing"));
    }
}
