//! The page's files, embedded in the program.

/// A file of the page.
pub(super) struct Asset {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) bytes: &'static [u8],
}

/// All files, by the path that they are asked for by.
pub(super) const ASSETS: &[Asset] = &[file("/", HTML, include_bytes!("../../page/index.html"))];

const HTML: &str = "text/html; charset=utf-8";

const fn file(path: &'static str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { path, kind, bytes }
}
