//! Files into text, bounded: what is missing, too large or no text is said in one sentence.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// A scenario or a request file is at most so large: 1 MiB.
pub const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with a file, and the remedy.
pub(super) type Refusal = (String, String);

/// The text of the file at `path`, at most [`MAX_BYTES`] of it.
pub(super) fn text_of(path: &Path) -> Result<String, Refusal> {
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(&e))?;
    if metadata.is_dir() {
        return Err(("is a directory".to_owned(), "name a file in it".to_owned()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large(&format!("has {} bytes", metadata.len())));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| unreadable(&e))?;
    // Bounded here as well: a pipe has no length, and a file may grow.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large("is too large"));
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

fn too_large(what: &str) -> Refusal {
    (format!("{what}: more than 1 MiB"), "a scenario is a page, not a data set: express many calls by `stages`".to_owned())
}

fn unreadable(error: &std::io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound => ("there is no such file".to_owned(), "check the path".to_owned()),
        ErrorKind::PermissionDenied => ("it may not be read".to_owned(), "check its permissions".to_owned()),
        _ => (format!("it cannot be read: {error}"), "check the path".to_owned()),
    }
}
