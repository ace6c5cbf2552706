//! The AWS CLI's shorthand syntax: `OutputConfig={S3Bucket=b,S3KeyPrefix=p},AuditImagesLimit=4`.
//!
//! A port of the grammar in `awscli/shorthand.py` (AWS CLI 1.46), with its messages; the syntax is described at
//! <https://docs.aws.amazon.com/cli/v1/userguide/cli-usage-shorthand.html>. Purely about syntax: what a member may be is said by the
//! model. Files (`Key@=file://path`) are read by a function that is handed in.

use serde_json::{Map, Value};
use thiserror::Error;

/// Braces and brackets within each other at most.
const DEPTH: usize = 64;

/// Why a text is no shorthand, in the AWS CLI's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShorthandError {
    /// Something else stands where the grammar wants `expected`.
    #[error("Expected: '{expected}', received: '{actual}' for input:\n{place}")]
    Syntax {
        /// What the grammar wants there.
        expected: String,
        /// What stands there.
        actual: String,
        /// The text with a caret under the place.
        place: String,
    },
    /// One member twice.
    #[error(
        "Second instance of key \"{key}\" encountered for input:\n{place}\nThis is often because there is a preceding \",\" instead \
         of a space."
    )]
    Twice {
        /// The key.
        key: String,
        /// The input, with a mark under the place.
        place: String,
    },
    /// Nested beyond reason.
    #[error("braces and brackets are nested more than {DEPTH} deep")]
    TooDeep,
    /// A file that a value names cannot be read.
    #[error("{0}")]
    File(String),
}

/// Reads a value that may name a file: `None` if it names none.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

/// Parses `text` into an object of texts, lists and objects; every scalar is still text.
pub fn parse(text: &str, read: ReadFile<'_>) -> Result<Map<String, Value>, ShorthandError> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, from_file: false, depth: 0, read };
    parser.parameter()
}

struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    /// Whether the value being read came after `@=`.
    from_file: bool,
    depth: usize,
    read: ReadFile<'a>,
}

type Parsed<T> = Result<T, ShorthandError>;

impl Parser<'_> {
    /// `keyval *("," keyval)`
    fn parameter(&mut self) -> Parsed<Map<String, Value>> {
        let mut members = Map::new();
        let (key, value) = self.keyval()?;
        members.insert(key, value);
        let mut last = self.at;
        while self.at < self.text.len() {
            self.expect_spaced(',')?;
            let (key, value) = self.keyval()?;
            if members.contains_key(&key) {
                return Err(ShorthandError::Twice { key, place: self.place(last + 1) });
            }
            members.insert(key, value);
            last = self.at;
        }
        Ok(members)
    }

    /// `key "=" [values]` or `key "@=" [values]`
    fn keyval(&mut self) -> Parsed<(String, Value)> {
        let key = self.key_and_equals()?;
        let value = match self.current() {
            None => Value::String(String::new()),
            Some('[') => self.list()?,
            Some('{') => self.object()?,
            Some(_) => self.csv()?,
        };
        Ok((key, value))
    }

    fn key_and_equals(&mut self) -> Parsed<String> {
        let start = self.at;
        while self.current().is_some_and(|c| c.is_ascii_alphanumeric() || "-_.#/:".contains(c)) {
            self.at += 1;
        }
        let key = self.text[start..self.at].iter().collect();
        self.skip_space();
        self.from_file = self.current() == Some('@');
        if self.from_file {
            self.at += 1;
        }
        self.expect_spaced('=')?;
        Ok(key)
    }

    /// `a` is a text, `a,b` a list; a comma that begins the next member ends it.
    fn csv(&mut self) -> Parsed<Value> {
        let first = self.first_value()?;
        self.skip_space();
        if self.current() != Some(',') {
            return Ok(first);
        }
        self.expect_spaced(',')?;
        let mut list = vec![first];
        loop {
            match self.csv_step() {
                Ok((value, whole)) => {
                    list.push(value);
                    if whole {
                        break;
                    }
                }
                Err(error @ ShorthandError::Syntax { .. }) => {
                    if self.at >= self.text.len() {
                        return Err(error);
                    }
                    while self.current() != Some(',') {
                        self.at -= 1;
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(if list.len() == 1 { list.swap_remove(0) } else { Value::Array(list) })
    }

    /// One more value of a list, and whether the text ends with it.
    fn csv_step(&mut self) -> Parsed<(Value, bool)> {
        let value = self.second_value()?;
        self.skip_space();
        if self.current().is_none() {
            return Ok((value, true));
        }
        self.expect_spaced(',')?;
        Ok((value, false))
    }

    /// `"[" [value *("," value)] "]"`
    fn list(&mut self) -> Parsed<Value> {
        self.deeper()?;
        self.expect_spaced('[')?;
        let mut values = Vec::new();
        while self.current() != Some(']') {
            values.push(self.nested_value()?);
            self.comma_unless(']')?;
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Value::Array(values))
    }

    /// `"{" keyval *("," keyval) "}"`
    fn object(&mut self) -> Parsed<Value> {
        self.deeper()?;
        self.expect_spaced('{')?;
        let mut members = Map::new();
        while self.current() != Some('}') {
            let key = self.key_and_equals()?;
            let value = self.nested_value()?;
            self.comma_unless('}')?;
            members.insert(key, value);
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Value::Object(members))
    }

    fn nested_value(&mut self) -> Parsed<Value> {
        match self.current() {
            Some('[') => self.list(),
            Some('{') => self.object(),
            _ => self.first_value(),
        }
    }

    fn comma_unless(&mut self, end: char) -> Parsed<()> {
        self.skip_space();
        if self.current() != Some(end) {
            self.expect(',')?;
            self.skip_space();
        }
        Ok(())
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH { Err(ShorthandError::TooDeep) } else { Ok(()) }
    }

    /// A quoted value, or as much as the first value of a list may hold; possibly nothing.
    fn first_value(&mut self) -> Parsed<Value> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => match self.word(first_follow) {
                Some(word) => self.resolved(word),
                None => Ok(Value::String(String::new())),
            },
        }
    }

    /// A quoted value, or a word without `=`.
    fn second_value(&mut self) -> Parsed<Value> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => match self.word(second_follow) {
                Some(word) => self.resolved(word),
                None => Err(self.syntax("<second>", "<none>")),
            },
        }
    }

    /// An unquoted word; `\,` is a comma.
    fn word(&mut self, follow: fn(char) -> bool) -> Option<String> {
        let start = self.at;
        loop {
            let escaped = self.current() == Some('\\') && self.text.get(self.at + 1) == Some(&',');
            let fits = if self.at == start { start_of_word } else { follow };
            match self.current() {
                Some(_) if escaped => self.at += 2,
                Some(c) if fits(c) => self.at += 1,
                _ => break,
            }
        }
        let word: String = self.text[start..self.at].iter().collect();
        (self.at > start).then(|| word.replace("\\,", ",").trim_end_matches(is_space).to_owned())
    }

    /// A quoted value. A backslash escapes the quote, unless no other quote would be left to close it.
    fn quoted(&mut self, quote: char) -> Parsed<Value> {
        let (mut i, mut spare) = (self.at + 1, None);
        let end = loop {
            match self.text.get(i) {
                Some('\\') if self.text.get(i + 1) == Some(&quote) => {
                    spare = Some(i + 1);
                    i += 2;
                }
                Some(c) if *c == quote => break Some(i),
                Some(_) => i += 1,
                None => break spare,
            }
        };
        let Some(end) = end else {
            // The AWS CLI's own spelling.
            let name = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
            return Err(self.syntax(name, "<none>"));
        };
        let inner: String = self.text[self.at + 1..end].iter().collect();
        self.at = end + 1;
        self.resolved(inner.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\"))
    }

    fn resolved(&self, value: String) -> Parsed<Value> {
        let file = if self.from_file { (self.read)(&value).map_err(ShorthandError::File)? } else { None };
        Ok(Value::String(file.unwrap_or(value)))
    }

    fn current(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// ASCII space only, as between tokens.
    fn skip_space(&mut self) {
        while self.current().is_some_and(|c| matches!(c, ' ' | '\t'..='\r')) {
            self.at += 1;
        }
    }

    fn expect_spaced(&mut self, wanted: char) -> Parsed<()> {
        self.skip_space();
        self.expect(wanted)?;
        self.skip_space();
        Ok(())
    }

    fn expect(&mut self, wanted: char) -> Parsed<()> {
        match self.current() {
            Some(c) if c == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(self.syntax(&wanted.to_string(), &c.to_string())),
            None => Err(self.syntax(&wanted.to_string(), "EOF")),
        }
    }

    fn syntax(&self, expected: &str, actual: &str) -> ShorthandError {
        ShorthandError::Syntax { expected: expected.to_owned(), actual: actual.to_owned(), place: self.place(self.at) }
    }

    /// The text with a caret under the character at `index`.
    fn place(&self, index: usize) -> String {
        let index = index.min(self.text.len());
        let (before, after) = self.text.split_at(index);
        let column = before.iter().rev().take_while(|c| **c != '\n').count();
        let (line, rest) = after.split_at(after.iter().position(|c| *c == '\n').unwrap_or(after.len()));
        let text = |chars: &[char]| chars.iter().collect::<String>();
        format!("{}{}\n{}^{}", text(before), text(line), " ".repeat(column), text(rest))
    }
}

/// Characters that an unquoted value may begin with: no space, quote, comma, `=`, `[` or `{`.
fn start_of_word(c: char) -> bool {
    matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='Z' | '\\'..='z' | '|'..='\u{ffff}')
}

/// Characters within a first value: no quote, comma, `]` or `}`.
fn first_follow(c: char) -> bool {
    is_space(c) || matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='\\' | '^'..='|' | '~'..='\u{ffff}')
}

/// Characters within a later value: no quote, comma or `=`.
fn second_follow(c: char) -> bool {
    is_space(c) || matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='\u{ffff}')
}

/// What Python's `\s` and `rstrip` take for space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Value {
        Value::Object(parse(text, &|_| Ok(None)).unwrap_or_else(|e| panic!("{text}: {e}")))
    }

    fn refused(text: &str) -> String {
        parse(text, &|_| Ok(None)).unwrap_err().to_string()
    }

    /// The synopsis of the command, and the settings that its model has since gained.
    #[test]
    fn the_documented_syntax() {
        assert_eq!(
            parsed("OutputConfig={S3Bucket=string,S3KeyPrefix=string},AuditImagesLimit=3"),
            json!({"OutputConfig": {"S3Bucket": "string", "S3KeyPrefix": "string"}, "AuditImagesLimit": "3"})
        );
        assert_eq!(
            parsed("ChallengePreferences=[{Type=FaceMovementChallenge,Versions={Minimum=1.0.0,Maximum=2.0.0}},{Type=X}]"),
            json!({"ChallengePreferences": [
                {"Type": "FaceMovementChallenge", "Versions": {"Minimum": "1.0.0", "Maximum": "2.0.0"}}, {"Type": "X"}
            ]})
        );
    }

    /// Every form of the AWS CLI's grammar, with what its own parser makes of it (`ShorthandParser().parse`).
    #[test]
    fn as_the_aws_cli_parses() {
        let rows = [
            ("foo=bar", json!({"foo": "bar"})),
            ("foo=", json!({"foo": ""})),
            ("foo=,bar=", json!({"foo": "", "bar": ""})),
            ("foo=bar,baz", json!({"foo": ["bar", "baz"]})),
            ("foo=a,b,c=d,e=f", json!({"foo": ["a", "b"], "c": "d", "e": "f"})),
            ("foo=bar,baz=qux", json!({"foo": "bar", "baz": "qux"})),
            ("foo= bar , baz , qux=1", json!({"foo": ["bar", "baz"], "qux": "1"})),
            ("foo=bar baz", json!({"foo": "bar baz"})),
            ("foo='bar baz'", json!({"foo": "bar baz"})),
            ("foo='a,b',bar=c", json!({"foo": "a,b", "bar": "c"})),
            ("foo=\"a,b\",bar=c", json!({"foo": "a,b", "bar": "c"})),
            (r"foo='it\'s'", json!({"foo": "it's"})),
            (r#"foo="say \"x\"""#, json!({"foo": "say \"x\""})),
            (r"foo='a\\b'", json!({"foo": r"a\b"})),
            (r"foo='a\'", json!({"foo": r"a\"})),
            (r"foo=a\,b", json!({"foo": "a,b"})),
            (r"foo=a\,b,c", json!({"foo": ["a,b", "c"]})),
            (r"foo=C:\dir", json!({"foo": r"C:\dir"})),
            ("foo=a=b", json!({"foo": "a=b"})),
            ("foo=[a,b]", json!({"foo": ["a", "b"]})),
            ("foo=[]", json!({"foo": []})),
            ("foo=[ a , 'b c' , \"d\" ]", json!({"foo": ["a", "b c", "d"]})),
            ("foo=[[a,b],[c]]", json!({"foo": [["a", "b"], ["c"]]})),
            ("foo={}", json!({"foo": {}})),
            ("foo={a=1,b={c=[x,{d=y}]}}", json!({"foo": {"a": "1", "b": {"c": ["x", {"d": "y"}]}}})),
            ("foo={ a = 1 , b = 2 }", json!({"foo": {"a": "1", "b": "2"}})),
            ("foo={a=,b=2}", json!({"foo": {"a": "", "b": "2"}})),
            ("foo={a=x=y}", json!({"foo": {"a": "x=y"}})),
            ("foo={a=1,a=2}", json!({"foo": {"a": "2"}})),
            ("a-b_c.d#e/f:g=1", json!({"a-b_c.d#e/f:g": "1"})),
            ("foo=é漢", json!({"foo": "é漢"})),
            ("foo=sessions/é/,bar=1", json!({"foo": "sessions/é/", "bar": "1"})),
            ("foo@ = x", json!({"foo": "x"})),
            ("foo=a,'b',c", json!({"foo": ["a", "b", "c"]})),
            ("foo=a\nb=c", json!({"foo": "a\nb=c"})),
            ("A=1\n,B", json!({"A": ["1", "B"]})),
        ];
        for (text, expected) in rows {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    /// What is wrong is shown where it is, in the AWS CLI's words.
    #[test]
    fn messages() {
        insta::assert_snapshot!(refused("x"), @r"
        Expected: '=', received: 'EOF' for input:
        x
         ^
        ");
        insta::assert_snapshot!(refused("A={B=1"), @r"
        Expected: ',', received: 'EOF' for input:
        A={B=1
              ^
        ");
        insta::assert_snapshot!(refused("A=[1 2],B==1,"), @r"
        Expected: ',', received: '=' for input:
        A=[1 2],B==1,
                  ^
        ");
        insta::assert_snapshot!(refused("A='b"), @r"
        Expected: '<singled quoted>', received: '<none>' for input:
        A='b
          ^
        ");
        insta::assert_snapshot!(refused("A=1,A=2"), @r#"
        Second instance of key "A" encountered for input:
        A=1,A=2
            ^
        This is often because there is a preceding "," instead of a space.
        "#);
        insta::assert_snapshot!(refused("x=1,\ny==,\nz=1"), @r"
        Expected: ',', received: '=' for input:
        x=1,
        y==,
          ^
        z=1
        ");
        assert!(refused(" foo=1").starts_with("Expected: '=', received: 'f'"));
        assert!(refused("foo=a]").starts_with("Expected: ',', received: ']'"));
        assert!(refused("A=1,").starts_with("Expected: '<second>', received: '<none>'"));
        assert!(refused("A=😀").starts_with("Expected: ',', received: '😀'"));
        assert_eq!(refused(&format!("A={}", "[".repeat(100_000))), "braces and brackets are nested more than 64 deep");
    }

    /// `@=` reads a file that is named, and leaves other values alone.
    #[test]
    fn files() {
        let read = |value: &str| match value.strip_prefix("file://") {
            Some("nope") => Err("no such file".to_owned()),
            Some(path) => Ok(Some(format!("contents of {path}"))),
            None => Ok(None),
        };
        let of = |text: &str| parse(text, &read).map(Value::Object);
        assert_eq!(of("a@=file://x,b=file://y").unwrap(), json!({"a": "contents of x", "b": "file://y"}));
        assert_eq!(
            of("c={d@='file://x',e@=plain},f@=[file://z]").unwrap(),
            json!({"c": {"d": "contents of x", "e": "plain"}, "f": ["contents of z"]})
        );
        assert_eq!(of("a@=file://nope").unwrap_err().to_string(), "no such file");
    }

    proptest! {
        /// Whatever is typed is parsed or refused.
        #[test]
        fn never_panics(text in "[aA=,@{}\\[\\]'\"\\\\ \n.é😀-]{0,40}") {
            let _ = parse(&text, &|_| Ok(None));
        }

        /// A quoted text comes back as it was.
        #[test]
        fn quoting_round_trips(text in "[a-z ,=\\[\\]{}\"]{0,20}", other in "[a-z0-9]{1,8}") {
            let line = format!("K='{text}',L={other}");
            prop_assert_eq!(parsed(&line), json!({"K": text, "L": other}));
        }
    }
}
