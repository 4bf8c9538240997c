//! The events of a video as its client got them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::upload::Answer;

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// The object as it was told.
    pub value: Value,
    /// Bytes of the body that had been sent when it came.
    pub sent: u64,
}

impl Event {
    /// Its `type`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.value["type"].as_str().unwrap_or_default()
    }

    fn frame(&self) -> Option<Frame<'_>> {
        Some(Frame {
            index: self.value["index"].as_u64()?,
            pts_ms: self.value["pts_ms"].as_f64()?,
            sent: self.sent,
            detections: self.value["detections"].as_array()?,
        })
    }

    fn closes(&self) -> bool {
        self.kind() == "end" || (self.kind() == "error" && self.value["fatal"] == true)
    }
}

/// A frame of a video.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// Its number in the video.
    pub index: u64,
    /// When it is shown, in milliseconds.
    pub pts_ms: f64,
    /// Bytes of the body that had been sent when it came.
    pub sent: u64,
    /// What was found in it.
    pub detections: &'a [Value],
}

/// All events of one video, from `start` to the one that closes it.
#[derive(Debug, Clone)]
pub struct Events(Vec<Event>);

impl Events {
    /// The events of an answer in NDJSON or SSE.
    ///
    /// # Errors
    /// When it is no stream of events, or not closed by exactly one event, the last.
    pub fn of(answer: &Answer) -> Result<Self> {
        ensure!(answer.status == 200, "status {}: {}", answer.status, answer.text());
        let objects = answer.lines.iter().filter_map(|line| {
            let text = line.text.strip_prefix("data:").unwrap_or(&line.text).trim();
            text.starts_with('{').then_some((text, line.sent))
        });
        let events = objects.map(|(text, sent)| {
            let value = serde_json::from_str(text).with_context(|| format!("no JSON: `{text}`"))?;
            Ok(Event { value, sent })
        });
        let events = Self(events.collect::<Result<_>>()?);
        events.check_end().with_context(|| format!("{:?}: {events:?}", answer.cut))?;
        ensure!(answer.cut.is_none(), "cut behind its closing event: {:?}", answer.cut);
        Ok(events)
    }

    fn check_end(&self) -> Result<()> {
        let closing = self.0.iter().filter(|event| event.closes()).count();
        ensure!(closing == 1, "{closing} closing events");
        ensure!(self.0.last().is_some_and(Event::closes), "the last event does not close");
        Ok(())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Event] {
        &self.0
    }

    /// Those of a type.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |event| event.kind() == kind).map(|event| &event.value)
    }

    /// The `start`, which comes first.
    ///
    /// # Errors
    /// When another event comes first.
    pub fn start(&self) -> Result<&Value> {
        let first = self.0.first().filter(|event| event.kind() == "start");
        first.map(|event| &event.value).with_context(|| format!("no start: {:?}", self.0.first()))
    }

    /// The `end`, where the video came to one.
    ///
    /// # Errors
    /// When an error closes the stream.
    pub fn end(&self) -> Result<&Value> {
        let last = self.0.last().filter(|event| event.kind() == "end");
        last.map(|event| &event.value).with_context(|| format!("no end: {:?}", self.0.last()))
    }

    /// The frames, in the order in which they came.
    ///
    /// # Errors
    /// When one lacks what every frame has.
    pub fn frames(&self) -> Result<Vec<Frame<'_>>> {
        let frames = self.0.iter().filter(|event| event.kind() == "frame");
        frames.map(|event| event.frame().with_context(|| format!("{event:?}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Events;
    use crate::upload::{Answer, Line};

    fn answer(lines: &[&str]) -> Answer {
        let line = |text: &&str| Line { text: (*text).to_owned(), sent: 5, at: Duration::ZERO };
        let lines = lines.iter().map(line).collect();
        Answer { status: 200, headers: Vec::new(), lines, cut: None, sent_all: true }
    }

    const FRAME: &str = r#"{"type":"frame","index":3,"pts_ms":240.0,"detections":[]}"#;
    const END: &str = r#"{"type":"end"}"#;

    #[test]
    fn both_spellings_of_a_stream_give_its_events() {
        let plain = answer(&[r#"{"type":"start"}"#, FRAME, END]);
        let framed = answer(&[
            ": ping",
            "event: start",
            r#"data: {"type":"start"}"#,
            "id: 1",
            &format!("data: {FRAME}"),
            &format!("data:{END}"),
            "",
        ]);
        for answer in [plain, framed] {
            let events = Events::of(&answer).unwrap();
            assert!(events.start().is_ok() && events.end().is_ok());
            let frames = events.frames().unwrap();
            assert_eq!((frames.len(), frames[0].index, frames[0].sent), (1, 3, 5));
        }
    }

    #[test]
    fn a_stream_has_exactly_one_closing_event_and_it_is_the_last() {
        let fatal = r#"{"type":"error","fatal":true}"#;
        let harmless = r#"{"type":"error","fatal":false}"#;
        assert!(Events::of(&answer(&[FRAME, harmless, fatal])).is_ok());
        for wrong in [&[FRAME][..], &[END, END], &[END, FRAME], &[fatal, END], &[]] {
            assert!(Events::of(&answer(wrong)).is_err(), "{wrong:?}");
        }
    }
}
