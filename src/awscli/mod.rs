//! What `livebench call` shares with AWS CLI v1: how its options are read, how an answer is queried and printed.
//!
//! A port of the parts of AWS CLI 1.46 and botocore 1.43 that one operation needs; each file names its source. Everything here is text
//! in, text out. Refuses to send anything and to know where a call goes.

pub mod answer;
pub mod data;
pub mod input;
pub mod model;
pub mod paramfile;
pub mod query;
pub mod render;
pub mod shorthand;
pub mod wire;
