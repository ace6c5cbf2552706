//! A summary read back: this version's, and that of an earlier one.

use serde_json::Value;
use thiserror::Error;

use super::contract::{SCHEMA, Summary};

/// Why a text is no summary.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not what the contract says.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another version of the contract, and no earlier one.
    #[error("its schema is {0}, and this version of livebench reads 1 to {SCHEMA}")]
    Schema(String),
}

impl Summary {
    /// Reads a summary of schema 1 (livebench 0.1.0) or 2. Result and reason of schema 1 follow from the rest.
    ///
    /// # Errors
    /// The text is no JSON, is not what the contract says, or names another schema.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut value: Value = serde_json::from_str(text)?;
        let schema = value.get("schema").cloned().unwrap_or(Value::Null);
        match schema.as_u64() {
            Some(1) => upgrade(&mut value),
            Some(n) if n == u64::from(SCHEMA) => {}
            _ => return Err(ReadError::Schema(schema.to_string())),
        }
        let summary: Self = serde_json::from_value(value)?;
        Ok(if schema == 1 { summary.with_result() } else { summary })
    }
}

/// What schema 1 lacks, to be made up from the rest once it is read.
fn upgrade(value: &mut Value) {
    if let Some(summary) = value.as_object_mut() {
        summary.insert("result".to_owned(), "not_trusted".into());
        summary.insert("result_why".to_owned(), "".into());
        summary.insert("statuses".to_owned(), Value::Object(serde_json::Map::new()));
        summary.insert("unexpected".to_owned(), Value::Null);
        if let Some(counts) = summary.get_mut("counts").and_then(Value::as_object_mut) {
            counts.insert("harness".to_owned(), 0.into());
        }
    }
}
