//! `file://` and `fileb://`: values that stand in files, as the AWS CLI loads them.
//!
//! Refuses to fetch: the AWS CLI v1 loads `http://` and `https://` values from the web, livebench sends nothing that was not asked for.

use std::path::PathBuf;

/// What a value was.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded {
    /// No file: the value itself counts.
    Itself,
    /// A file's text, ends of lines as in Python's text files.
    Text(String),
    /// A file's bytes.
    Bytes(Vec<u8>),
}

/// Reads the file that `value` names, if it names one.
pub fn load(value: &str) -> Result<Loaded, String> {
    if let Some(path) = value.strip_prefix("file://") {
        let text = String::from_utf8(read(value, path)?)
            .map_err(|_| format!("Unable to load paramfile ({path}), text contents could not be decoded: it is not UTF-8"))?;
        return Ok(Loaded::Text(text.replace("\r\n", "\n").replace('\r', "\n")));
    }
    if let Some(path) = value.strip_prefix("fileb://") {
        return read(value, path).map(Loaded::Bytes);
    }
    if value.starts_with("http://") || value.starts_with("https://") {
        return Err(format!("livebench loads no value from the web ({value}); save it and use file://"));
    }
    Ok(Loaded::Itself)
}

/// A value that must be text.
pub fn text(value: &str) -> Result<Option<String>, String> {
    match load(value)? {
        Loaded::Itself => Ok(None),
        Loaded::Text(text) => Ok(Some(text)),
        Loaded::Bytes(_) => Err(format!("{value} gives bytes, and this value is text; use file://")),
    }
}

fn read(value: &str, path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(expand(path, |name| std::env::var(name).ok())).map_err(|e| format!("Unable to load paramfile {value}: {e}"))
}

/// `~` at the start, and `$NAME` or `${NAME}` where the variable is set.
fn expand(path: &str, variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    let mut rest = path;
    let mut out = String::new();
    if let Some(home) = variable("HOME").filter(|_| path == "~" || path.starts_with("~/")) {
        out.push_str(home.trim_end_matches('/'));
        rest = &path[1..];
    }
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        let (name, length) = if let Some((name, _)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            (name, name.len() + 2)
        } else {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
            (&after[..end], end)
        };
        out.push_str(&rest[..at]);
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    PathBuf::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths are expanded as by `os.path.expanduser` and `os.path.expandvars`.
    #[test]
    fn paths() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/x".to_owned()),
            "A" => Some("1".to_owned()),
            _ => None,
        };
        let rows = [
            ("~/f", "/home/x/f"),
            ("~", "/home/x"),
            ("~f", "~f"),
            ("/a/$A/b", "/a/1/b"),
            ("${A}b$A", "1b1"),
            ("$NONE/${NONE}/$", "$NONE/${NONE}/$"),
            ("${A", "${A"),
            ("é$A", "é1"),
        ];
        for (path, expected) in rows {
            assert_eq!(expand(path, variable), PathBuf::from(expected), "{path}");
        }
    }

    /// Texts have their line ends made plain, bytes are kept, the web is not asked.
    #[test]
    fn loads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("value");
        std::fs::write(&path, "a\r\nb\n").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(load(&format!("file://{path}")), Ok(Loaded::Text("a\nb\n".to_owned())));
        assert_eq!(load(&format!("fileb://{path}")), Ok(Loaded::Bytes(b"a\r\nb\n".to_vec())));
        assert_eq!(load("FILE://x"), Ok(Loaded::Itself));
        assert!(text(&format!("fileb://{path}")).unwrap_err().contains("gives bytes"));
        assert!(load("file:///nowhere/x").unwrap_err().starts_with("Unable to load paramfile file:///nowhere/x: "));
        assert!(load("https://example.com/x").unwrap_err().contains("no value from the web"));
        std::fs::write(path, [0xff]).unwrap();
        assert!(load(&format!("file://{path}")).unwrap_err().contains("not UTF-8"));
    }
}
