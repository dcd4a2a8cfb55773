//! Golden files: lines of `name: hex`, each under a comment that shows the message.

use std::{fs, path::PathBuf};

/// The file of one message type.
pub(crate) fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{file}.txt"))
}

/// The entries of a file: names and bytes, in their order.
///
/// # Panics
/// On a file that cannot be read, a line that is no entry, or a name that stands there twice.
pub(crate) fn read(file: &str) -> Vec<(String, Vec<u8>)> {
    let path = path(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = format!("{}:{}", path.display(), number + 1);
        let (name, hex) = line.split_once(": ").unwrap_or_else(|| panic!("{at}: no `name: hex`"));
        assert!(entries.iter().all(|(other, _)| other != name), "{at}: {name} stands there twice");
        let bytes = from_hex(hex).unwrap_or_else(|| panic!("{at}: no hex digits: {hex}"));
        entries.push((name.to_owned(), bytes));
    }
    entries
}

/// Bytes of pairs of hex digits, which may have spaces between them.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
