//! A process confined as the bridge is cannot open a camera, on a kernel that is Debian's own.

use tests::confined::{attempt_when_asked, run};

#[test]
fn attempts() {
    attempt_when_asked();
}

#[test]
fn a_confined_process_cannot_open_a_camera() {
    std::fs::File::open("/dev/video0").expect("this process may open it");
    let tried = run("attempts", "/dev/video0");
    assert!(tried.is_confined("files") && tried.is_confined("calls"), "{tried:?}");
    for what in ["to open the device", "to write the device", "to write elsewhere"] {
        assert!(!tried.could(what), "{what}: {tried:?}");
    }
    assert!(tried.could("to write its own"), "{tried:?}");
}
