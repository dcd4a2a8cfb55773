//! The window itself, and what the system does with it.

use std::{io, path::Path, process::Command, thread};

use iced::{Task, window};

use super::{App, Message};
use crate::remembered::Remembered;

impl App {
    pub(super) fn window_changed(&mut self, event: &window::Event) {
        match event {
            // So Windows says that it is minimised.
            window::Event::Resized(size) if size.width < 1.0 || size.height < 1.0 => {}
            window::Event::Resized(size) => {
                self.size = *size;
                if !self.fullscreen {
                    (self.remembered.width, self.remembered.height) = (size.width, size.height);
                }
            }
            window::Event::Rescaled(scale) => self.stage.scale = *scale,
            _ => {}
        }
    }

    pub(super) fn set_fullscreen(&mut self, fullscreen: bool) -> Task<Message> {
        self.fullscreen = fullscreen;
        let mode = if fullscreen { window::Mode::Fullscreen } else { window::Mode::Windowed };
        self.window.map_or_else(Task::none, |id| window::set_mode(id, mode))
    }
}

pub(super) fn event((_, event): (window::Id, window::Event)) -> Option<Message> {
    matches!(event, window::Event::Resized(_) | window::Event::Rescaled(_))
        .then_some(Message::Window(event))
}

/// Writes what is remembered.
pub(super) async fn save(remembered: Remembered) -> Result<(), String> {
    let saved = tokio::task::spawn_blocking(move || remembered.save()).await;
    saved.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

/// Has the desktop show a folder.
pub(super) fn open_folder(folder: &Path) -> io::Result<()> {
    let opener = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut child = Command::new(opener).arg(folder).spawn()?;
    // Somebody has to hear of its end.
    thread::Builder::new().name("opener".to_owned()).spawn(move || child.wait())?;
    Ok(())
}
