//! Screens and their parts. Each holds what is its own, and tells the rest of the program what to
//! do by an `Action`.

pub(crate) mod cameras;
pub(crate) mod clients;
pub(crate) mod controls;
pub(crate) mod help;
mod mode_choice;
pub(crate) mod no_camera;
pub(crate) mod remote;
pub(crate) mod settings;
pub(crate) mod stage;
pub(crate) mod view;
pub(crate) mod welcome;
