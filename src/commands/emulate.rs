//! `livebench emulate`

use super::{Error, Exit};
use crate::cli::EmulateArgs;

pub(super) async fn emulate(_args: &EmulateArgs) -> Result<Exit, Error> {
    Err(Error::CouldNotRun("not built yet".to_owned()))
}
