//! The page's files, embedded in the program.

/// A file of the page.
pub(super) struct Asset {
    pub(super) path: &'static str,
    pub(super) kind: &'static str,
    pub(super) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const MANIFEST: &str = "application/manifest+json";

/// A file of the folder `page`, asked for by its name or by `$path`.
macro_rules! file {
    ($kind:expr, $name:literal) => {
        file!($kind, $name, concat!("/", $name))
    };
    ($kind:expr, $name:literal, $path:expr) => {
        Asset { path: $path, kind: $kind, bytes: include_bytes!(concat!("../../page/", $name)) }
    };
}

/// All files, by the path that they are asked for by.
pub(super) const ASSETS: &[Asset] = &[
    file!(HTML, "index.html", "/"),
    file!(CSS, "app.css"),
    file!(CSS, "layout.css"),
    file!(IMAGE, "icon.svg"),
    file!(MANIFEST, "manifest.webmanifest"),
    file!(SCRIPT, "app.js"),
    file!(SCRIPT, "ask.js"),
    file!(SCRIPT, "broadcast.js"),
    file!(SCRIPT, "cameras.js"),
    file!(SCRIPT, "clock.js"),
    file!(SCRIPT, "connection.js"),
    file!(SCRIPT, "control.js"),
    file!(SCRIPT, "controls.js"),
    file!(SCRIPT, "device.js"),
    file!(SCRIPT, "edit.js"),
    file!(SCRIPT, "element.js"),
    file!(SCRIPT, "emitter.js"),
    file!(SCRIPT, "fallback.js"),
    file!(SCRIPT, "frames.js"),
    file!(SCRIPT, "fullscreen.js"),
    file!(SCRIPT, "groups.js"),
    file!(SCRIPT, "holds.js"),
    file!(SCRIPT, "live.js"),
    file!(SCRIPT, "login.js"),
    file!(SCRIPT, "mjpeg.js"),
    file!(SCRIPT, "model.js"),
    file!(SCRIPT, "modes.js"),
    file!(SCRIPT, "notices.js"),
    file!(SCRIPT, "panels.js"),
    file!(SCRIPT, "picture.js"),
    file!(SCRIPT, "presets.js"),
    file!(SCRIPT, "privacy.js"),
    file!(SCRIPT, "session.js"),
    file!(SCRIPT, "share.js"),
    file!(SCRIPT, "socket.js"),
    file!(SCRIPT, "stage.js"),
    file!(SCRIPT, "view.js"),
    file!(SCRIPT, "watchers.js"),
    file!(SCRIPT, "words.js"),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let entries = fs::read_dir(folder).expect("the folder can be read");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let files: BTreeSet<String> =
            names.map(|name| format!("/{}", name.to_str().expect("UTF-8"))).collect();
        let known = ASSETS.iter().map(|asset| match asset.path {
            "/" => "/index.html".to_owned(),
            path => path.to_owned(),
        });
        assert_eq!(known.collect::<BTreeSet<_>>(), files);
    }
}
