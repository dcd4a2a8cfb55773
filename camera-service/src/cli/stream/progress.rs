//! What a stream has given so far: shown while it runs where stderr is a terminal, and printed
//! at the end.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use protocol::{FrameHeader, Mode, Started};
use serde::Serialize;

use super::{
    super::{CliError, json::ModeJson, output, text},
    container::{self, Container},
};

const REFRESH: Duration = Duration::from_millis(200);

/// Counts frames, and shows the figures.
pub(super) struct Progress {
    bar: ProgressBar,
    shown: Instant,
    /// Frames and time at the beginning of what the rate is measured over.
    window: (u64, Instant),
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    camera: String,
    mode: Option<Mode>,
    frames: u64,
    dropped: u64,
    lagged: u64,
    bytes: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

#[derive(Serialize)]
struct Report<'a> {
    camera: &'a str,
    mode: Option<ModeJson>,
    frames: u64,
    seconds: f64,
    fps: f64,
    dropped: u64,
    lagged: u64,
    bytes: u64,
}

impl Figures {
    /// Time from the first frame to the last one.
    fn seconds(&self) -> f64 {
        match (self.first, self.last) {
            (Some(first), Some(last)) => (last - first).as_secs_f64(),
            _ => 0.0,
        }
    }

    fn fps(&self) -> f64 {
        let seconds = self.seconds();
        // So many frames have so many less intervals.
        if seconds > 0.0 { (self.frames - 1) as f64 / seconds } else { 0.0 }
    }

    fn text(&self) -> String {
        let Self { frames, dropped, bytes, .. } = self;
        let lagged = match self.lagged {
            0 => String::new(),
            times => format!(", fell behind {}", text::count(times, "time")),
        };
        format!(
            "{} in {:.1} s, {:.1} fps, {dropped} dropped{lagged}, {}",
            text::count(*frames, "frame"),
            self.seconds(),
            self.fps(),
            text::bytes(*bytes)
        )
    }
}

impl Progress {
    /// Shows that frames are waited for.
    pub(super) fn start() -> Self {
        // Hidden by itself where stderr is no terminal.
        let bar = ProgressBar::new_spinner();
        bar.set_message("waiting for frames");
        bar.enable_steady_tick(REFRESH);
        let now = Instant::now();
        Self { bar, shown: now, window: (0, now), figures: Figures::default() }
    }

    pub(super) fn frames(&self) -> u64 {
        self.figures.frames
    }

    pub(super) fn started(&mut self, started: &Started, container: Option<Container>) {
        self.figures.camera = started.camera.to_string();
        self.figures.mode = Some(started.mode);
        if let Some(instead) = &started.instead {
            self.note(&format!(
                "the camera is computed in as many ways as it may be; frames are {instead}"
            ));
        }
        if !self.bar.is_hidden() {
            let ffmpeg = container::ffmpeg_arguments(&started.mode);
            if let (Some(Container::Raw), Some(arguments)) = (container, ffmpeg) {
                self.note(&format!("ffmpeg and ffplay read it with {arguments}"));
            }
        }
    }

    pub(super) fn mode_changed(&mut self, mode: Mode) {
        self.figures.mode = Some(mode);
        if !self.bar.is_hidden() {
            self.note(&format!("the camera's mode was changed; frames are {mode} now"));
        }
    }

    pub(super) fn lagged(&mut self) {
        self.figures.lagged += 1;
    }

    pub(super) fn frame(&mut self, header: &FrameHeader) {
        let now = Instant::now();
        let figures = &mut self.figures;
        figures.frames += 1;
        figures.dropped += u64::from(header.dropped);
        figures.bytes += u64::from(header.length);
        figures.first.get_or_insert(now);
        figures.last = Some(now);
        if self.bar.is_hidden() || now - self.shown < REFRESH {
            return;
        }
        self.shown = now;
        let (frames, since) = self.window;
        let rate = (figures.frames - frames) as f64 / (now - since).as_secs_f64();
        if now - since > Duration::from_secs(2) {
            self.window = (figures.frames, now);
        }
        self.bar.set_message(format!(
            "{}  {}  {rate:.1} fps  {} dropped  {}",
            figures.mode.map(|mode| mode.to_string()).unwrap_or_default(),
            text::count(figures.frames, "frame"),
            figures.dropped,
            text::bytes(figures.bytes)
        ));
    }

    /// Says something without disturbing what is shown.
    pub(super) fn note(&self, message: &str) {
        self.bar.suspend(|| output::note(&text::one_line(message)));
    }

    /// Takes away what is shown; where `file` was written, says so on a terminal.
    pub(super) fn finish(&self, file: Option<&Path>) {
        self.bar.finish_and_clear();
        if let Some(file) = file
            && io::stderr().is_terminal()
        {
            output::note(&format!("{} written", file.display()));
        }
    }

    /// Prints the figures: to stdout unless frames may have gone there. Then they are for people
    /// who watch, and for scripts that asked for JSON.
    pub(super) fn report(&self, wrote_frames: bool, json: bool) -> Result<(), CliError> {
        let figures = &self.figures;
        if json {
            let report = Report {
                camera: &figures.camera,
                mode: figures.mode.map(ModeJson::from),
                frames: figures.frames,
                seconds: figures.seconds(),
                fps: figures.fps(),
                dropped: figures.dropped,
                lagged: figures.lagged,
                bytes: figures.bytes,
            };
            let line = output::json_line(&report)?;
            if !wrote_frames {
                return output::print(&line);
            }
            // There is no other place to tell that stderr is closed.
            let _ = io::Write::write_all(&mut io::stderr(), line.as_bytes());
        } else if !wrote_frames {
            return output::print(&(figures.text() + "\n"));
        } else if io::stderr().is_terminal() {
            output::note(&figures.text());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_intervals() {
        let first = Instant::now();
        let figures = Figures {
            frames: 31,
            dropped: 2,
            lagged: 1,
            bytes: 1_500_000,
            first: Some(first),
            last: Some(first + Duration::from_secs(1)),
            ..Figures::default()
        };
        assert_eq!(
            figures.text(),
            "31 frames in 1.0 s, 30.0 fps, 2 dropped, fell behind 1 time, 1.5 MB"
        );
        assert_eq!(Figures::default().text(), "0 frames in 0.0 s, 0.0 fps, 0 dropped, 0 B");
    }
}
