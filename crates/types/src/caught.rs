//! A panic as a value: what third-party code does with a malformed file must not end a process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic becomes its message.
///
/// Whoever calls it gives up what `work` touched when it failed, hence the assertion of unwind safety.
///
/// ```
/// use detections_types::caught;
///
/// assert_eq!(caught(|| 7), Ok(7));
/// ```
///
/// # Errors
/// The panic's message, or `no message` where it is not a text.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        text.unwrap_or("no message").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::caught;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught::<()>(|| panic!("fixed")), Err("fixed".into()));
        assert_eq!(caught::<()>(|| panic!("number {}", 7)), Err("number 7".into()));
        assert_eq!(caught::<()>(|| panic_any(7)), Err("no message".into()));
    }
}
