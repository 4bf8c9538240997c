//! Which paths a rule is for: a path in which `*` stands for any characters.

/// Whether `pattern` describes all of `path`. Runs in `pattern × path` steps at most.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.as_bytes(), path.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // The last star and how much of the path it has taken: the place to go back to.
    let mut star: Option<(usize, usize)> = None;
    while seen < path.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, seen));
            at += 1;
        } else if pattern.get(at) == Some(&path[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((back, taken)) = star {
            star = Some((back, taken + 1));
            at = back + 1;
            seen = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (pattern, path, expected) in [
            ("*", "/anything", true),
            ("/models/*", "/models/a.onnx", true),
            ("/models/*", "/models", false),
            ("/models/*.onnx", "/models/a.b.onnx", true),
            ("/models/*.onnx", "/models/a.onnx.part", false),
            ("*a*b*", "/xaxxbx", true),
            ("*a*b*", "/xbxa", false),
            ("/annotations", "/annotations", true),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
