//! Writing a state file so that it is whole at every instant.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Replaces the file at `path` with `text`: written under another name, synced, renamed.
/// Makes the folder where it is missing. On failure the old file is as it was.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension("toml.new");
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The rename is not there after a power cut unless the folder is synced too.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    })();
    if written.is_err() {
        // What matters is why it failed; a leftover is overwritten the next time.
        let _ = fs::remove_file(&temporary);
    }
    written
}
