//! `livebench check`

use super::{Error, Exit};
use crate::cli::CheckArgs;

pub(super) fn check(_args: &CheckArgs) -> Result<Exit, Error> {
    Err(Error::CouldNotRun("not built yet".to_owned()))
}
