//! What the test of the golden files needs.

pub(crate) mod fields;
pub(crate) mod files;
mod names;
pub(crate) mod samples;
pub(crate) mod variants;
