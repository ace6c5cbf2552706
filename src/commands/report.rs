//! `livebench report`

use super::{Error, Exit};
use crate::cli::ReportArgs;

pub(super) fn report(_args: &ReportArgs) -> Result<Exit, Error> {
    Err(Error::CouldNotRun("not built yet".to_owned()))
}
