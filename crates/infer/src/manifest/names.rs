//! The `names` metadata: a Python literal (`{0: 'person', 1: "car"}`), JSON, or a plain list.

use std::{collections::BTreeMap, iter::Peekable, str::CharIndices};

use super::recognise::MAX_CLASSES;

/// Why the `names` metadata cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// Something else stands at a place.
    #[error("{expected} was expected at byte {position}")]
    Syntax {
        /// Byte from the start of the text.
        position: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A class is named twice.
    #[error("class {index} is named twice")]
    Duplicate {
        /// The class.
        index: usize,
    },
    /// There are more names than any detector has classes.
    #[error("there are more than {limit} names")]
    TooMany {
        /// The most that are read.
        limit: usize,
    },
    /// The classes are not numbered 0, 1, 2, ….
    #[error("class {index} has no name")]
    Missing {
        /// The first class without a name.
        index: usize,
    },
}

/// The names in the order of their classes.
pub(super) fn parse(text: &str) -> Result<Vec<String>, NamesError> {
    let mut parser = Parser { rest: text.char_indices().peekable(), len: text.len() };
    parser.space();
    let names = match parser.next() {
        Some('{') => parser.dict()?,
        Some('[') => parser.list(']')?,
        Some('(') => parser.list(')')?,
        _ => {
            return Err(NamesError::Syntax { position: 0, expected: "`{`, `[` or `(`" });
        }
    };
    parser.space();
    if parser.rest.peek().is_some() { Err(parser.expected("the end")) } else { Ok(names) }
}

struct Parser<'a> {
    rest: Peekable<CharIndices<'a>>,
    len: usize,
}

impl Parser<'_> {
    fn dict(&mut self) -> Result<Vec<String>, NamesError> {
        let mut names = BTreeMap::new();
        while !self.closes('}') {
            let index = self.key()?;
            self.space();
            self.eat(':', "`:`")?;
            self.space();
            if names.insert(index, self.string()?).is_some() {
                return Err(NamesError::Duplicate { index });
            }
            check_count(names.len())?;
            self.separator('}')?;
        }
        match names.keys().zip(0..).find(|(index, position)| *index != position) {
            Some((_, index)) => Err(NamesError::Missing { index }),
            None => Ok(names.into_values().collect()),
        }
    }

    fn list(&mut self, close: char) -> Result<Vec<String>, NamesError> {
        let mut names = Vec::new();
        while !self.closes(close) {
            names.push(self.string()?);
            check_count(names.len())?;
            self.separator(close)?;
        }
        Ok(names)
    }

    /// A class number, bare or in quotes.
    fn key(&mut self) -> Result<usize, NamesError> {
        let error = self.expected("a class number");
        let digits = match self.peek() {
            Some('\'' | '"') => self.string()?,
            _ => self.digits(),
        };
        digits.trim().parse().map_err(|_not_a_number| error)
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some((_, digit)) = self.rest.next_if(|(_, c)| c.is_ascii_digit()) {
            digits.push(digit);
        }
        digits
    }

    fn string(&mut self) -> Result<String, NamesError> {
        let error = self.expected("a name in quotes");
        let Some(quote @ ('\'' | '"')) = self.next() else {
            return Err(error);
        };
        let mut name = String::new();
        loop {
            match self.next() {
                Some(end) if end == quote => return Ok(name),
                Some('\\') => self.escape(&mut name)?,
                Some(plain) => name.push(plain),
                None => return Err(self.expected("a closing quote")),
            }
        }
    }

    /// The escapes of Python and JSON that stand for a character.
    fn escape(&mut self, name: &mut String) -> Result<(), NamesError> {
        let error = self.expected("an escape of Python or JSON");
        let escaped = match self.next() {
            Some(same @ ('\\' | '\'' | '"' | '/')) => Some(same),
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('x') => self.hex(2).and_then(char::from_u32),
            Some('u') => self.utf16(),
            Some('U') => self.hex(8).and_then(char::from_u32),
            _ => None,
        };
        name.push(escaped.ok_or(error)?);
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |value, _| Some(value * 16 + self.next()?.to_digit(16)?))
    }

    /// Four digits behind `\u`, or two such groups of a surrogate pair.
    fn utf16(&mut self) -> Option<char> {
        let first = u16::try_from(self.hex(4)?).ok()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            (self.next()? == '\\' && self.next()? == 'u').then_some(())?;
            units.push(u16::try_from(self.hex(4)?).ok()?);
        }
        char::decode_utf16(units).next()?.ok()
    }

    fn separator(&mut self, close: char) -> Result<(), NamesError> {
        self.space();
        if self.peek() == Some(close) {
            Ok(())
        } else {
            self.eat(',', "`,` or the closing bracket")
        }
    }

    fn closes(&mut self, close: char) -> bool {
        self.space();
        self.rest.next_if(|(_, c)| *c == close).is_some()
    }

    fn eat(&mut self, wanted: char, expected: &'static str) -> Result<(), NamesError> {
        let found = self.rest.next_if(|(_, c)| *c == wanted);
        found.map(drop).ok_or_else(|| self.expected(expected))
    }

    fn space(&mut self) {
        while self.rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        self.rest.next().map(|(_, c)| c)
    }

    fn expected(&mut self, expected: &'static str) -> NamesError {
        let position = self.rest.peek().map_or(self.len, |(position, _)| *position);
        NamesError::Syntax { position, expected }
    }
}

/// So that memory does not grow with whatever a file lists.
const fn check_count(names: usize) -> Result<(), NamesError> {
    if names > MAX_CLASSES { Err(NamesError::TooMany { limit: MAX_CLASSES }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{MAX_CLASSES, NamesError, parse};

    #[test]
    fn python_and_json_spellings_are_read() {
        let cases: [(&str, &[&str]); 9] = [
            (
                "{0: 'person', 1: \"traffic light\", 2: 'it\\'s'}",
                &["person", "traffic light", "it's"],
            ),
            ("{1: 'b', 0: 'a',}", &["a", "b"]),
            ("{\"0\":\"a\",\"1\":\"b\"}", &["a", "b"]),
            ("['a', 'b']", &["a", "b"]),
            ("('a', )", &["a"]),
            (" [ ] ", &[]),
            ("{0: 'Flugzeug é', 1: '\\u00e9\\x41'}", &["Flugzeug é", "éA"]),
            ("[\"\\ud83d\\ude97\", '\\U0001f697']", &["🚗", "🚗"]),
            ("{0: 'a: b, {c}', 1: \"it's\"}", &["a: b, {c}", "it's"]),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn faults_are_placed() {
        let syntax = |position, expected| NamesError::Syntax { position, expected };
        let cases = [
            ("", syntax(0, "`{`, `[` or `(`")),
            ("person", syntax(0, "`{`, `[` or `(`")),
            ("{0 'a'}", syntax(3, "`:`")),
            ("{0: a}", syntax(4, "a name in quotes")),
            ("{0: 'a' 1: 'b'}", syntax(8, "`,` or the closing bracket")),
            ("{-1: 'a'}", syntax(1, "a class number")),
            ("{0: 'a", syntax(6, "a closing quote")),
            ("['a'] x", syntax(6, "the end")),
            ("['\\q']", syntax(3, "an escape of Python or JSON")),
            ("['\\ud83d']", syntax(3, "an escape of Python or JSON")),
            ("{0: 'a', 0: 'b'}", NamesError::Duplicate { index: 0 }),
            ("{0: 'a', 2: 'b'}", NamesError::Missing { index: 1 }),
            ("{1: 'a'}", NamesError::Missing { index: 0 }),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn more_names_than_any_detector_has_are_refused() {
        let list = |count: usize| format!("[{}]", "'a', ".repeat(count));
        assert_eq!(parse(&list(MAX_CLASSES)).map(|names| names.len()), Ok(MAX_CLASSES));
        let refused = Err(NamesError::TooMany { limit: MAX_CLASSES });
        assert_eq!(parse(&list(MAX_CLASSES + 1)), refused);
        let dict: String = (0..=MAX_CLASSES).map(|class| format!("{class}: 'a', ")).collect();
        assert_eq!(parse(&format!("{{{dict}}}")), refused);
    }

    proptest! {
        #[test]
        fn whatever_json_writes_is_read_back(names in proptest::collection::vec(any::<String>(), 0..8)) {
            let text = serde_json::to_string(&names).unwrap();
            prop_assert_eq!(parse(&text), Ok(names));
        }

        #[test]
        fn no_text_panics(text in "[\\[{(]?[-0-9a'\"\\\\:,u\\]})é ]{0,24}") {
            parse(&text).ok();
        }
    }
}
