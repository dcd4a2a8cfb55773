//! control-gui: see and drive every camera of camera-service.
//!
//! A process of its own and a client like any other: it knows `protocol` and no device. All of the
//! window runs on the main thread, where nothing blocks; connections and streams are tasks on
//! iced's tokio threads, MJPG is decoded on a thread for each stream.

mod app;
mod command;
mod connection;
mod console;
mod focus;
mod folders;
mod framing;
mod icon;
mod live;
mod model;
mod modes;
mod notice;
mod options;
mod pointer;
mod remembered;
mod renderer;
#[cfg(test)]
mod samples;
mod screen;
mod setup;
mod snapshot;
mod start;
mod style;
#[cfg(test)]
mod tests;
mod words;

use clap::Parser as _;
use iced::{Font, Settings, window};
use remembered::{LEAST, Remembered};
use tracing_subscriber::EnvFilter;

use app::App;
use options::Options;

/// The name that this program gives itself wherever clients are listed, and its windows.
pub(crate) const NAME: &str = "control-gui";
/// The font that comes with the program: there may be no other.
const FONT: Font = Font::with_name("Fira Sans");

/// Runs the program until its window is closed.
pub fn run() -> anyhow::Result<()> {
    console::share();
    let options = Options::parse();
    let wished = EnvFilter::try_from_default_env();
    // Who asked for a log looks at it.
    if wished.is_err() {
        console::leave();
    }
    let filter = wished.unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(console::shows_colours())
        .with_writer(std::io::stderr)
        .init();
    renderer::avoid_software_gpu();
    let remembered = Remembered::load();
    let window = window::Settings {
        size: (remembered.width, remembered.height).into(),
        min_size: Some(LEAST.into()),
        fullscreen: options.fullscreen,
        icon: icon::window(),
        exit_on_close_request: false,
        platform_specific: platform(),
        ..window::Settings::default()
    };
    let settings = Settings {
        id: Some(NAME.to_owned()),
        default_font: FONT,
        default_text_size: style::BODY.into(),
        ..Settings::default()
    };
    iced::application(
        move || App::new(options.clone(), remembered.clone()),
        App::update,
        App::view,
    )
    .title(App::title)
    .theme(App::theme)
    .subscription(App::subscription)
    .settings(settings)
    .window(window)
    .run()
    .inspect_err(|_| console::share())?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn platform() -> window::settings::PlatformSpecific {
    window::settings::PlatformSpecific {
        application_id: NAME.to_owned(),
        ..window::settings::PlatformSpecific::default()
    }
}

#[cfg(not(target_os = "linux"))]
fn platform() -> window::settings::PlatformSpecific {
    window::settings::PlatformSpecific::default()
}
