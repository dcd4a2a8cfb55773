//! The example client in Python writes and reads the golden messages.
#![cfg(unix)]

use std::process::Command;

#[test]
fn the_example_in_python_has_the_bytes_right() {
    let here = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("python3")
        .arg(format!("{here}/tests/support/check_grab.py"))
        .arg(format!("{here}/../docs/examples"))
        .arg(format!("{here}/tests/golden"))
        .output()
        .expect("python3 can be run");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
}
