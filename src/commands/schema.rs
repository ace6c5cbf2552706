//! `livebench schema`

use std::io::Write as _;

use super::{Error, Exit, written};
use crate::cli::{Contract, SchemaArgs};
use crate::{compare, plan, probe, scenario, selftest, summary};

pub(super) fn schema(args: &SchemaArgs) -> Result<Exit, Error> {
    let text = match args.contract {
        Contract::Scenario => scenario::schema().to_owned(),
        Contract::Summary => summary::schema(),
        Contract::Compare => compare::schema(),
        Contract::History => compare::history::history_schema(),
        Contract::Probe => probe::schema(),
        Contract::Plan => plan::schema(),
        Contract::PlanReport => plan::report_schema(),
        Contract::Selftest => selftest::schema(),
    };
    let mut out = anstream::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}
