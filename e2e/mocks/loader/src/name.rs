//! A file's name as a client may say it: one segment of a path that leads nowhere else.

/// Longest name.
const MAX: usize = 255;

/// A name that is safe to look up in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    /// Takes a name that is no way out of the folder.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("the name {text:?} {why}"));
        if text.is_empty() || text.len() > MAX {
            return wrong("is not of 1 to 255 bytes");
        }
        if text.starts_with('.') {
            return wrong("starts with a dot");
        }
        if text.chars().any(|letter| letter == '/' || letter == '\\' || letter.is_control()) {
            return wrong("is not one segment of a path");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the file for a model that is named without `.onnx`.
    #[must_use]
    pub fn as_onnx(&self) -> String {
        format!("{}.onnx", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::FileName;

    #[test]
    fn names_are_one_segment() {
        for good in ["a", "yolo11n.onnx", "a b", "ä", "a..b"] {
            assert!(FileName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "../a", "a\\b", "a\0", "a\n"] {
            assert!(FileName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(FileName::parse(&"x".repeat(256)).is_err());
    }
}
