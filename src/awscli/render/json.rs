//! `--output json`: four spaces, nothing escaped that need not be, and nothing at all for `{}`.

use crate::awscli::data::{Data, number};

/// The value with a line's end; empty for an empty object.
pub fn json(data: &Data) -> String {
    if matches!(data, Data::Map(members) if members.is_empty()) {
        return String::new();
    }
    let mut out = String::new();
    write(data, 0, &mut out);
    out.push('\n');
    out
}

fn write(data: &Data, level: usize, out: &mut String) {
    match data {
        Data::Null => out.push_str("null"),
        Data::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Data::Number(n) => out.push_str(&number(n)),
        Data::Text(text) => out.push_str(&quoted(text)),
        Data::List(items) => {
            let items = items.iter().map(|item| (None, item));
            block(('[', ']'), items, level, out);
        }
        Data::Map(members) => {
            let members = members.iter().map(|(key, value)| (Some(key.as_str()), value));
            block(('{', '}'), members, level, out);
        }
    }
}

fn block<'a>(
    (open, close): (char, char),
    entries: impl Iterator<Item = (Option<&'a str>, &'a Data)>,
    level: usize,
    out: &mut String,
) {
    let newline = |level: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', 4 * level));
    };
    out.push(open);
    let mut any = false;
    for (key, value) in entries {
        if any {
            out.push(',');
        }
        any = true;
        newline(level + 1, out);
        if let Some(key) = key {
            out.push_str(&quoted(key));
            out.push_str(": ");
        }
        write(value, level + 1, out);
    }
    if any {
        newline(level, out);
    }
    out.push(close);
}

/// `serde_json` and Python escape the same characters when neither is told to keep to ASCII.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nested, empty, escaped: as `json.dump(..., indent=4, ensure_ascii=False)`.
    #[test]
    fn as_python_dumps() {
        let data = Data::Map(vec![
            ("b".to_owned(), Data::List(vec![Data::Null, Data::Bool(true), Data::List(vec![]), Data::Map(vec![])])),
            ("a".to_owned(), Data::Text("é\"\\\n\u{1}\u{7f}".to_owned())),
        ]);
        insta::assert_snapshot!(json(&data).replace('\u{7f}', "<DEL>"), @r#"
        {
            "b": [
                null,
                true,
                [],
                {}
            ],
            "a": "é\"\\\n\u0001<DEL>"
        }
        "#);
        assert_eq!(json(&Data::Map(vec![])), "");
        assert_eq!(json(&Data::Null), "null\n");
    }
}
