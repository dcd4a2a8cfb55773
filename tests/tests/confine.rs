//! The bridge's confinement, with any device file. `confine_vivid.rs` does the same with a camera.
#![cfg(target_os = "linux")]

use tests::confined::{attempt_when_asked, run};

#[test]
fn attempts() {
    attempt_when_asked();
}

#[test]
fn a_confined_process_can_do_its_work_and_nothing_else() {
    std::fs::File::open("/dev/zero").expect("this process may open it");
    let tried = run("attempts", "/dev/zero");
    assert!(tried.could("to read its own"), "{tried:?}");
    assert!(tried.could("to write its own"), "{tried:?}");
    assert!(tried.could("to listen"), "{tried:?}");
    if tried.is_confined("files") {
        for what in [
            "to open the device",
            "to write the device",
            "to read a private file",
            "to write elsewhere",
            "to read /etc/passwd",
            "to list /",
        ] {
            assert!(!tried.could(what), "{what}: {tried:?}");
        }
    } else {
        eprintln!("this kernel has no landlock: files are not confined here");
    }
    assert!(tried.is_confined("calls"), "{tried:?}");
    for what in [
        "to run a program",
        "to signal its parent",
        "to limit its parent",
        "to send a datagram",
        "to send to a path",
        "to connect to a socket",
        "to connect elsewhere",
    ] {
        assert!(!tried.could(what), "{what}: {tried:?}");
    }
}
