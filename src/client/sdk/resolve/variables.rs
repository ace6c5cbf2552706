//! Environment variables. An empty one is unset. Nothing is looked up that is not asked for.

use std::ffi::OsString;

use super::error::ResolveError;
use super::origin::Said;

/// A variable that is a path; empty is unset.
pub(super) fn path_variable(name: &'static str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable; empty is unset.
pub(super) fn variable(name: &'static str) -> Result<Option<String>, ResolveError> {
    path_variable(name).map(|value| value.into_string().map_err(|_| ResolveError::NoText(name))).transpose()
}

/// The first of these variables that is set.
pub(super) fn first_variable(names: &[&'static str]) -> Result<Option<(String, Said)>, ResolveError> {
    for &name in names {
        if let Some(value) = variable(name)? {
            return Ok(Some((value, Said::Variable(name))));
        }
    }
    Ok(None)
}
