//! The AWS configuration files, read once: profiles and the sections that they refer to.
//!
//! The grammar is that of the AWS CLI v1 (Python's configparser): sections, `key = value`, comments, a value that goes on in deeper lines,
//! and under a key without a value more keys. What the AWS CLI refuses is refused, with file and line. As the SDKs do, and the CLI does
//! not, a comment behind a value is taken off.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::ResolveError;
use super::variables::path_variable;

/// A file of settings is shorter; what is longer (a device, a log) is none.
const LONGEST: u64 = 1 << 20;

/// A value; with keys below it, if it has none of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Setting {
    text: String,
    below: BTreeMap<String, String>,
}

/// A section's settings, by key in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile(BTreeMap<String, Setting>);

impl Profile {
    /// No settings.
    pub(super) const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// The text of a setting; an empty one is unset.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|setting| setting.text.as_str()).filter(|text| !text.is_empty())
    }

    /// A setting below a key.
    pub(super) fn below(&self, key: &str, inner: &str) -> Option<&str> {
        self.0.get(key)?.below.get(inner).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// What the two files say.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    profiles: BTreeMap<String, Profile>,
    others: BTreeMap<(&'static str, String), Profile>,
    read: Vec<PathBuf>,
}

/// Sections of the configuration file that have a name of their own beside profiles.
const NAMED: [&str; 2] = ["services", "sso-session"];

impl Files {
    /// Reads both files; one that is not there is empty.
    pub(super) fn read() -> Result<Self, ResolveError> {
        let mut files = Self::default();
        let (config, secrets) = (File::config(), File::credentials());
        for (name, section) in config.sections()? {
            match words(&name).as_slice() {
                [one] if one == "default" => files.add(one, section),
                [kind, name] if kind == "profile" => files.add(name, section),
                [kind, name] => {
                    if let Some(kind) = NAMED.into_iter().find(|named| named == kind) {
                        files.others.insert((kind, name.clone()), section);
                    }
                }
                _ => {}
            }
        }
        for (name, section) in secrets.sections()? {
            files.add(&name, section);
        }
        files.read = [config.path, secrets.path].into_iter().flatten().collect();
        Ok(files)
    }

    /// What stands later counts: the file of credentials over the other.
    fn add(&mut self, name: &str, section: Profile) {
        self.profiles.entry(name.to_owned()).or_default().0.extend(section.0);
    }

    /// A profile, with its name as the files have it.
    pub(super) fn profile(&self, name: &str) -> Option<(&str, &Profile)> {
        self.profiles.get_key_value(name).map(|(name, profile)| (name.as_str(), profile))
    }

    /// A `[services NAME]` section.
    pub(super) fn services(&self, name: &str) -> Option<&Profile> {
        self.others.get(&("services", name.to_owned()))
    }

    /// The files for people.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.read.iter().map(|path| path.display().to_string()).collect();
        if names.is_empty() { "the AWS configuration files".to_owned() } else { names.join(" or ") }
    }

    /// The same settings in the form that the SDK's providers of credentials read. They accept no blank in a profile's name, so that
    /// profiles are told apart by numbers; the second value is the one for `selected`.
    pub(super) fn for_the_sdk(&self, selected: &str) -> (String, String) {
        let number = |name: &str| self.profiles.keys().position(|known| known == name).map(|n| format!("p{n}"));
        let mut text = String::new();
        let mut write = |header: String, section: &Profile| {
            text.push_str(&header);
            for (key, setting) in &section.0 {
                let value = setting.text.replace('\n', " ");
                let value = if key == "source_profile" { number(&value).unwrap_or(value) } else { value };
                if !value.is_empty() || !setting.below.is_empty() {
                    text.extend([key.as_str(), " = ", &value, "\n"]);
                }
                text.extend(setting.below.iter().map(|(inner, value)| format!("  {inner} = {value}\n")));
            }
        };
        for (n, section) in self.profiles.values().enumerate() {
            write(format!("[profile p{n}]\n"), section);
        }
        for ((kind, name), section) in &self.others {
            write(format!("[{kind} {name}]\n"), section);
        }
        (text, number(selected).unwrap_or_else(|| "default".to_owned()))
    }
}

/// One of the two files.
struct File {
    path: Option<PathBuf>,
    variable: &'static str,
}

impl File {
    fn config() -> Self {
        Self::new("AWS_CONFIG_FILE", ".aws/config")
    }

    fn credentials() -> Self {
        Self::new("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")
    }

    fn new(variable: &'static str, at_home: &str) -> Self {
        let home = path_variable("HOME").map(PathBuf::from);
        let path = match path_variable(variable).map(PathBuf::from) {
            Some(path) => match (path.strip_prefix("~"), home) {
                (Ok(rest), Some(home)) => Some(home.join(rest)),
                _ => Some(path),
            },
            None => home.map(|home| home.join(at_home)),
        };
        Self { path, variable }
    }

    fn sections(&self) -> Result<Vec<(String, Profile)>, ResolveError> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        let unreadable = |reason: String| ResolveError::Unreadable { path: path.clone(), reason, variable: self.variable };
        let bytes = match bytes(path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(e) => return Err(unreadable(e.to_string())),
        };
        if bytes.len() as u64 > LONGEST {
            return Err(unreadable("it is longer than 1 MiB".to_owned()));
        }
        sections(&bytes).map_err(|(line, what)| ResolveError::BadLine { path: path.clone(), line, what, variable: self.variable })
    }
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The headers of the sections of an AWS configuration file, in its order.
///
/// # Errors
/// The line, from 1, and what is wrong with it.
pub fn profile_sections(bytes: &[u8]) -> Result<Vec<String>, (usize, String)> {
    Ok(sections(bytes)?.into_iter().map(|(header, _)| header).collect())
}

/// The sections of a file by their headers; or the line, from 1, and what is wrong with it.
fn sections(bytes: &[u8]) -> Result<Vec<(String, Profile)>, (usize, String)> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let byte = bytes.get(e.valid_up_to()).copied().unwrap_or_default();
        (before.split(|b| *b == b'\n').count(), format!("the byte 0x{byte:02X} is not UTF-8"))
    })?;
    let mut reader = SettingsReader::default();
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        reader.line(line).map_err(|what| (i + 1, what))?;
    }
    Ok(reader.sections)
}

/// Where the reader is.
#[derive(Default)]
struct SettingsReader {
    sections: Vec<(String, Profile)>,
    /// The last key of the section, and how deep its line begins.
    key: Option<(String, usize)>,
}

impl SettingsReader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let written = line.trim();
        if written.is_empty() || written.starts_with(['#', ';']) {
            return Ok(());
        }
        let depth = line.len() - line.trim_start().len();
        if let Some((key, of_key)) = &self.key
            && depth > *of_key
        {
            let key = key.clone();
            return self.goes_on(&key, written);
        }
        if let Some(header) = written.strip_prefix('[') {
            return self.header(header);
        }
        let (key, value) = key_and_value(written)?;
        let Some((_, section)) = self.sections.last_mut() else {
            return Err("a setting comes before the first section".to_owned());
        };
        if section.0.insert(key.clone(), Setting { text: value, ..Setting::default() }).is_some() {
            return Err(format!("`{key}` appears twice in its section"));
        }
        self.key = Some((key, depth));
        Ok(())
    }

    fn header(&mut self, header: &str) -> Result<(), String> {
        let Some((name, _)) = header.split_once(']') else { return Err("the section has no closing `]`".to_owned()) };
        let name = name.trim();
        if self.sections.iter().any(|(known, _)| known == name) {
            return Err(format!("the section [{name}] appears twice"));
        }
        self.sections.push((name.to_owned(), Profile::default()));
        self.key = None;
        Ok(())
    }

    /// A deeper line: more of the value, or a key below one that has none.
    fn goes_on(&mut self, key: &str, written: &str) -> Result<(), String> {
        let Some(setting) = self.sections.last_mut().and_then(|(_, section)| section.0.get_mut(key)) else { return Ok(()) };
        if setting.text.is_empty() {
            let (inner, value) = key_and_value(written)?;
            setting.below.insert(inner, value);
        } else {
            setting.text.push('\n');
            setting.text.push_str(written);
        }
        Ok(())
    }
}

fn key_and_value(written: &str) -> Result<(String, String), String> {
    let Some(at) = written.find(['=', ':']) else { return Err("it is neither a section nor `key = value`".to_owned()) };
    let (key, value) = (written[..at].trim().to_ascii_lowercase(), &written[at + 1..]);
    if key.is_empty() {
        return Err("a setting has no name".to_owned());
    }
    let comment = [" #", " ;", "\t#", "\t;"].into_iter().filter_map(|mark| value.find(mark)).min();
    Ok((key, value[..comment.unwrap_or(value.len())].trim().to_owned()))
}

/// The words of a section's header; quotes hold blanks together, as in a shell.
fn words(header: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in header.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(text: &str) -> Profile {
        sections(text.as_bytes()).unwrap().remove(0).1
    }

    /// Keys, comments, values that go on and keys below a key, as the AWS CLI reads them.
    #[test]
    fn settings() {
        let text = "# c\n[profile a]\nRegion=us-east-1 ; here\n  \noutput : json\ns3 =\n  x = 1\n  endpoint_url = http://127.0.0.1:1\n; c\n\
                    long = a\n  b\n";
        let read = only(text);
        assert_eq!((read.text("region"), read.text("output"), read.text("none")), (Some("us-east-1"), Some("json"), None));
        assert_eq!((read.text("long"), read.below("s3", "endpoint_url")), (Some("a\nb"), Some("http://127.0.0.1:1")));
        assert_eq!(only("[default]\n  region = a\n  output = b\n").text("output"), Some("b"), "indented as a whole");
        assert_eq!(only("\u{feff}[default]\r\nregion = a\r\n").text("region"), Some("a"));
    }

    /// What means nothing is refused with its line, and never with its text.
    #[test]
    fn refusals() {
        for (text, line, what) in [
            ("[default]\nregion\n", 2, "neither a section"),
            ("region = a\n", 1, "before the first section"),
            ("[default\n", 1, "no closing"),
            ("[a]\n\n[a]\n", 3, "appears twice"),
            ("[a]\nx = 1\nX = 2\n", 3, "`x` appears twice"),
            ("[a]\n= secret\n", 2, "no name"),
        ] {
            let (at, said) = sections(text.as_bytes()).unwrap_err();
            assert!(at == line && said.contains(what) && !said.contains("secret"), "{text:?}: line {at}: {said}");
        }
        let (at, said) = sections(b"[default]\naws_access_key_id = AKID\xe9\n").unwrap_err();
        assert!(at == 2 && said.contains("0xE9") && said.contains("UTF-8"), "line {at}: {said}");
    }

    /// Quotes hold a name together.
    #[test]
    fn headers() {
        assert_eq!(words("profile \"My MacBook Pro\""), ["profile", "My MacBook Pro"]);
        assert_eq!(words("profile  'a b'c"), ["profile", "a bc"]);
        assert_eq!(words("profile My MacBook Pro").len(), 4);
        assert_eq!(words("services \"\""), ["services", ""]);
    }

    proptest! {
        /// No file makes it panic.
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = sections(&bytes);
        }

        /// No text that looks like settings makes it panic.
        #[test]
        fn any_text(text in "([\\[\\]=:#; \t\r\n\"']|[a-c]){0,60}") {
            let _ = sections(text.as_bytes());
            let _ = words(&text);
        }
    }
}
