//! The desktop's autostart folder, where there is no systemd.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{AutostartError, Installed, Result, Steps, Way, config_folder};

const FILE: &str = "autostart/camera-service.desktop";

fn file() -> Result<PathBuf> {
    Ok(config_folder()?.join(FILE))
}

pub(super) fn installed() -> Option<Installed> {
    let file = file().ok()?;
    let text = fs::read_to_string(&file).ok()?;
    // So a user, or a desktop's settings, turn it off.
    if text.lines().any(|line| line == "Hidden=true") {
        return None;
    }
    let command = text.lines().find_map(|line| line.strip_prefix("Exec="))?;
    let since_unix_ns = super::written(&file);
    let program = program_of(command)?;
    Some(Installed { way: Way::Autostart, file, program, since_unix_ns, at_boot: false })
}

pub(super) fn install(program: &Path, steps: &mut Steps) -> Result<bool> {
    let program = quoted(program)?;
    let text = format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=camera-service\n\
         Comment=Cameras for any number of programs at once\n\
         Exec={program} serve --started-by autostart\n\
         Icon=control-gui\n\
         Terminal=false\n\
         NoDisplay=true\n\
         StartupNotify=false\n"
    );
    super::write(&file()?, &text, steps)
}

pub(super) fn uninstall(steps: &mut Steps) -> Result<()> {
    let file = file()?;
    if super::remove(&file, steps)?
        && let Some(folder) = file.parent()
    {
        // Unless something else lies there.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// A path as a desktop entry has it: escaped once for the argument, and once for the value.
fn quoted(program: &Path) -> Result<String> {
    let text = program.to_str().filter(|text| !text.chars().any(char::is_control));
    // Where `=` is in the path of a program, the specification forbids it.
    let text = text.filter(|text| !text.contains('='));
    let text = text.ok_or_else(|| AutostartError::Program(program.to_owned()))?;
    let mut argument = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '`' | '$' | '\\') {
            argument.push('\\');
        }
        argument.push(letter);
        if letter == '%' {
            argument.push('%');
        }
    }
    Ok(argument.replace('\\', "\\\\") + "\"")
}

/// The program that a command starts.
fn program_of(command: &str) -> Option<PathBuf> {
    let command = command.replace("\\\\", "\\");
    let Some(rest) = command.strip_prefix('"') else {
        return command.split(' ').next().map(PathBuf::from);
    };
    let (mut path, mut letters) = (String::new(), rest.chars());
    loop {
        match letters.next()? {
            '"' => return Some(path.replace("%%", "%").into()),
            '\\' => path.push(letters.next()?),
            letter => path.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_written_so_that_they_are_read() {
        for path in ["/usr/bin/c", "/a b/c", "/100%/c", "/say \"hi\" $x/c", "/a\\b/c`"] {
            let command = quoted(Path::new(path)).expect(path) + " serve --started-by autostart";
            assert_eq!(program_of(&command), Some(PathBuf::from(path)), "{command}");
        }
        assert_eq!(quoted(Path::new("/a$b")).expect("quoted"), "\"/a\\\\$b\"");
        assert!(quoted(Path::new("/a=b")).is_err());
    }
}
