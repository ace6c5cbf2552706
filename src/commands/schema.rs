//! `livebench schema`

use super::{Error, Exit};
use crate::cli::SchemaArgs;

pub(super) fn schema(_args: &SchemaArgs) -> Result<Exit, Error> {
    Err(Error::CouldNotRun("not built yet".to_owned()))
}
