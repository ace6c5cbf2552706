//! Files into text, bounded: what is missing, too large or no text is said in one sentence.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::near::nearest;

/// A scenario or a request file is at most so large: 1 MiB.
pub const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a file, and the remedy.
pub(crate) type Refusal = (String, String);

/// The text of the file at `path`, at most [`MAX_BYTES`] of it.
pub(crate) fn text_of(path: &Path) -> Result<String, Refusal> {
    text_up_to(path, MAX_BYTES).map_err(|(what, help)| {
        let page = what.ends_with(MORE);
        (
            what,
            if page { "a scenario or a plan is a page, not a data set: express many calls by `stages`".to_owned() } else { help },
        )
    })
}

/// How a refusal of too large a file ends.
const MORE: &str = "more than 1 MiB";

/// The text of the file at `path`, which has at most `most` bytes.
pub(crate) fn text_up_to(path: &Path, most: u64) -> Result<String, Refusal> {
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(&e, path))?;
    if metadata.is_dir() {
        return Err(("is a directory".to_owned(), name_one(path)));
    }
    if metadata.len() > most {
        return Err(too_large(&format!("has {} bytes", metadata.len()), most));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| unreadable(&e, path))?;
    // Bounded here as well: a pipe has no length, and a file may grow.
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| unreadable(&e, path))?;
    if bytes.len() as u64 > most {
        return Err(too_large("is too large", most));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let bytes = e.as_bytes();
        let line = bytes[..at].split(|b| *b == b'\n').count();
        let help = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
            _ => "save it as UTF-8",
        };
        (format!("is not UTF-8: line {line}, byte {} of the file, is 0x{:02x}", at + 1, bytes[at]), help.to_owned())
    })
}

fn too_large(what: &str, most: u64) -> Refusal {
    (format!("{what}: more than {} MiB", most >> 20), "cut it to what is needed".to_owned())
}

fn unreadable(error: &std::io::Error, path: &Path) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound => {
            let meant = meant(path).map(|meant| format!("did you mean {}?", meant.display()));
            ("there is no such file".to_owned(), meant.unwrap_or_else(|| "check the path".to_owned()))
        }
        ErrorKind::PermissionDenied => ("it may not be read".to_owned(), "check its permissions".to_owned()),
        _ => (format!("it cannot be read: {error}"), "check the path".to_owned()),
    }
}

/// That a file is needed, with the first one that a directory has.
fn name_one(directory: &Path) -> String {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let first = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml") && path.is_file()).min();
    first.map_or_else(|| "name a file in it".to_owned(), |path| format!("name a file in it, like {}", path.display()))
}

/// The file that was probably meant: with its ending, in `scenarios/`, or of nearly the same name beside where it was looked for.
fn meant(path: &Path) -> Option<PathBuf> {
    let toml = |path: &PathBuf| if path.extension().is_some() { path.clone() } else { path.with_extension("toml") };
    let places = [path.to_owned(), Path::new("scenarios").join(path)];
    places.iter().map(toml).find(|path| path.is_file()).or_else(|| places.iter().find_map(|path| near(path)))
}

/// The TOML file of nearly the same name in the same directory.
fn near(path: &Path) -> Option<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = std::fs::read_dir(directory).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    let meant = nearest(path.file_stem()?.to_str()?, names.iter().map(String::as_str))?;
    Some(path.with_file_name(format!("{meant}.toml")))
}
