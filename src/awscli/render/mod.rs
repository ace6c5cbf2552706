//! The three forms of output, as `awscli/formatter.py` of AWS CLI 1.46 writes them, byte for byte.

mod json;
mod table;
mod text;
mod wide;

pub use json::json;
pub use table::{Look, table};
pub use text::text;
