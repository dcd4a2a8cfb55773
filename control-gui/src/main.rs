//! See the crate's documentation in `lib.rs`.

fn main() -> anyhow::Result<()> {
    control_gui::run()
}
