//! `livebench run`

use super::{Error, Exit};
use crate::cli::RunArgs;

pub(super) async fn run(_args: &RunArgs) -> Result<Exit, Error> {
    Err(Error::CouldNotRun("not built yet".to_owned()))
}
