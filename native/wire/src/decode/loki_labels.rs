//! The labels of a stream as Loki's clients write them: `{app="shop", env="prod"}`.

use std::borrow::Cow;

/// A name and its value.
pub(super) type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// What is wrong with labels, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LabelsError {
    pub(super) reason: &'static str,
    pub(super) at: usize,
}

/// Reads the labels in the order in which they are written. Values are in double quotes, single
/// quotes or backticks, as in Go; so may be names that are no identifiers.
pub(super) fn parse(text: &str) -> Result<Vec<Label<'_>>, LabelsError> {
    let mut parser = Parser { text, at: 0 };
    let mut labels = Vec::new();
    parser.expect('{', "expected '{'")?;
    while parser.peek() != Some('}') {
        let name = match parser.peek() {
            Some('"' | '\'' | '`') => parser.quoted()?,
            _ => parser.identifier()?.into(),
        };
        parser.expect('=', "expected '=' after a label's name")?;
        labels.push((name, parser.quoted()?));
        match parser.peek() {
            Some(',') => parser.at += 1,
            Some('}') => {}
            _ => return Err(parser.error("expected ',' or '}' after a label")),
        }
    }
    parser.expect('}', "expected '}'")?;
    match parser.peek() {
        None => Ok(labels),
        Some(_) => Err(parser.error("expected the end after '}'")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// The next character that is no blank; the parser then stands on it.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn expect(&mut self, wanted: char, reason: &'static str) -> Result<(), LabelsError> {
        if self.peek() != Some(wanted) {
            return Err(self.error(reason));
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    fn error(&self, reason: &'static str) -> LabelsError {
        LabelsError { reason, at: self.at }
    }

    fn identifier(&mut self) -> Result<&'a str, LabelsError> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(self.error("expected a label's name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, LabelsError> {
        let Some(quote @ ('"' | '\'' | '`')) = self.peek() else {
            return Err(self.error("expected a value in quotes"));
        };
        self.at += 1;
        let unclosed = self.error("a value without its closing quote");
        let rest = &self.text[self.at..];
        let end = rest.find([quote, '\\', '\n']).ok_or(unclosed)?;
        if quote == '`' || rest[end..].starts_with(quote) {
            let end = rest.find(quote).ok_or(unclosed)?;
            self.at += end + 1;
            return Ok(Cow::Borrowed(&rest[..end]));
        }
        self.escaped(quote, unclosed).map(Cow::Owned)
    }

    fn escaped(&mut self, quote: char, unclosed: LabelsError) -> Result<String, LabelsError> {
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let character = rest.chars().next().ok_or(unclosed)?;
            if character == '\n' {
                return Err(self.error("a line break inside a value"));
            }
            if character == '\\' {
                self.escape(quote, &mut bytes)?;
                continue;
            }
            self.at += character.len_utf8();
            if character == quote {
                // Escapes may have made bytes that are no text.
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            bytes.extend_from_slice(&rest.as_bytes()[..character.len_utf8()]);
        }
    }

    /// Reads one of Go's escapes, at its backslash.
    fn escape(&mut self, quote: char, out: &mut Vec<u8>) -> Result<(), LabelsError> {
        let unknown = self.error("an escape that Go does not have");
        let kind = *self.text.as_bytes().get(self.at + 1).ok_or(unknown)?;
        let plain = match kind {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'\\' => b'\\',
            _ if char::from(kind) == quote => kind,
            _ => return self.numeric_escape(kind, out).ok_or(unknown),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    /// Reads `\x41`, `\101`, `\u0041` or `\U00000041`; `None` if it is none of them.
    fn numeric_escape(&mut self, kind: u8, out: &mut Vec<u8>) -> Option<()> {
        let (start, digits, radix) = match kind {
            b'x' => (2, 2, 16),
            b'u' => (2, 4, 16),
            b'U' => (2, 8, 16),
            b'0'..=b'7' => (1, 3, 8),
            _ => return None,
        };
        let digits = self.text.get(self.at + start..self.at + start + digits)?;
        let code = digits.chars().all(|digit| digit.is_digit(radix));
        let code = code.then(|| u32::from_str_radix(digits, radix).ok())??;
        self.at += start + digits.len();
        if matches!(kind, b'u' | b'U') {
            let mut buffer = [0; 4];
            out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
        } else {
            out.push(u8::try_from(code).ok()?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> String {
        match parse(text) {
            Ok(labels) => {
                let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
                labels.join(" ")
            }
            Err(LabelsError { reason, at }) => format!("{reason} at {at}"),
        }
    }

    #[test]
    fn labels_are_read_as_go_reads_them() {
        assert_eq!(parsed(r#"{app="shop", env='prod' ,}"#), "app=shop env=prod");
        assert_eq!(parsed("{ a=`x\\n\"` }"), "a=x\\n\"");
        assert_eq!(parsed(r#"{a="q\"\n\x41\u00e9\101"}"#), "a=q\"\nAéA");
        assert_eq!(parsed(r#"{"k8s.pod"="p"}"#), "k8s.pod=p");
        assert_eq!(parsed("{}"), "");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(parsed("app=1"), "expected '{' at 0");
        assert_eq!(parsed(r#"{1a="x"}"#), "expected a label's name at 1");
        assert_eq!(parsed(r#"{a=~"x"}"#), "expected a value in quotes at 3");
        assert_eq!(parsed(r#"{a="x}"#), "a value without its closing quote at 4");
        assert_eq!(parsed(r#"{a="\q"}"#), "an escape that Go does not have at 4");
        assert_eq!(parsed(r#"{a="x"} x"#), "expected the end after '}' at 8");
        assert_eq!(parsed(r#"{a="x" b="y"}"#), "expected ',' or '}' after a label at 7");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}a=,\"'`\\\\x0u4\u{e9}\n ]{0,16}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_quoted_value_is_given_back(value in "[a-z\"\\\\\n\t\u{e9}]{0,8}") {
            let text = format!("{{a={value:?}}}");
            prop_assert_eq!(parsed(&text), format!("a={value}"));
        }
    }
}
