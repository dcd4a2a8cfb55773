//! See the crate's documentation in `lib.rs`.

// Started from a console or not, the program has its own window and needs no other.
#![cfg_attr(windows, windows_subsystem = "windows")]

fn main() -> anyhow::Result<()> {
    control_gui::run()
}
