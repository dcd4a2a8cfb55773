//! What fuzzing a whole service came upon, once more, against the real binary: the corpus of the
//! target `service` in `tests/fuzz`.
#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf, time::Duration};

use tests::{Service, binary, hostile, wait_until};

fn start() -> Service {
    Service::builder()
        .config(hostile::CONFIG)
        .env("RUST_LOG", "info")
        .test_camera(hostile::CAMERA)
        .start()
}

fn corpus() -> Vec<PathBuf> {
    let folder = binary::workspace().join("tests/fuzz/corpus/service");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn the_corpus_of_the_fuzzer_harms_no_service() {
    let files = corpus();
    assert!(files.len() > 20, "a corpus of {} inputs", files.len());
    let mut service = start();
    for file in files {
        let input = fs::read(&file).expect("an input can be read");
        // Shown when it fails.
        println!("{}", file.display());
        let left = hostile::play(service.socket(), &input);
        if hostile::settle(service.socket(), left).is_err() {
            // A byte that was changed told it to end.
            wait_until("the service to end", Duration::from_secs(10), || {
                service.exit_status().ok_or_else(|| "still running".to_owned())
            });
            end(service);
            service = start();
        }
    }
    end(service);
}

fn end(service: Service) {
    let out = service.stop();
    assert_eq!(out.code(), Some(0), "{out:?}");
    assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
}
