//! `info`: everything about one camera.

use std::{collections::BTreeMap, fmt::Write as _, process::ExitCode};

use protocol::{CameraDetail, FrameRate, Mode, PixelFormat, Size};

use super::{
    Outcome, Session, args::CameraArg, json, list::state, output, session::answer, table::Table,
    text::clean, time,
};

pub(super) async fn run(args: CameraArg, session: &Session) -> Outcome {
    let detail = answer(session.control().await?.camera(&args.id())).await?;
    if session.json {
        output::print_json(&json::Detail::from(&detail))?;
    } else {
        output::print(&text(&detail))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(detail: &CameraDetail) -> String {
    let summary = &detail.summary;
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key:<11}{}", clean(value));
        }
    };
    line("Id", &summary.id.0);
    line("Name", &summary.name);
    if detail.device_name != summary.name {
        line("Device", &detail.device_name);
    }
    line("Driver", &summary.driver);
    line("Bus", &summary.bus);
    line("Path", detail.path.as_deref().unwrap_or_default());
    line("State", &state(summary));
    line("Mode", &summary.mode.map(|mode| mode.to_string()).unwrap_or_default());
    if summary.held_open {
        line("Held open", "yes, until `camera-service stop`");
    }
    if let Some(rate) = detail.measured_rate {
        line("Measured", &format!("{rate} fps"));
    }
    if summary.mode.is_some() {
        let CameraDetail { frames, gaps, damaged, .. } = detail;
        line("Frames", &format!("{frames}, {gaps} dropped by the driver, {damaged} damaged"));
    }
    line("Renditions", &detail.renditions.join(", "));
    text + &watchers(detail) + &holders(detail) + &modes(&detail.modes)
}

fn watchers(detail: &CameraDetail) -> String {
    if detail.watchers.is_empty() {
        return "\nNobody watches it.\n".to_owned();
    }
    let mut table = Table::new(["WATCHER", "NAME", "PID", "PROGRAM", "FOR"]);
    for watcher in &detail.watchers {
        table.row([
            watcher.connection.to_string(),
            watcher.name.clone(),
            watcher.pid.to_string(),
            watcher.program.clone(),
            time::ago(watcher.since_unix_ns),
        ]);
    }
    format!("\n{}", table.text())
}

fn holders(detail: &CameraDetail) -> String {
    if detail.holders.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["HELD BY", "PID", "HOW"]);
    for holder in &detail.holders {
        let pid = if holder.pid == 0 { String::new() } else { holder.pid.to_string() };
        let how = if holder.streaming { "streaming" } else { "open" };
        table.row([holder.program.clone(), pid, how.to_owned()]);
    }
    format!("\n{}", table.text())
}

/// `modes` by format, those of one size in one row with all their rates.
fn modes(modes: &[Mode]) -> String {
    if modes.is_empty() {
        return String::new();
    }
    let mut formats: Vec<PixelFormat> = Vec::new();
    let mut rates: BTreeMap<(usize, std::cmp::Reverse<Size>), Vec<FrameRate>> = BTreeMap::new();
    for mode in modes {
        let known = formats.iter().position(|format| *format == mode.format);
        let format = known.unwrap_or_else(|| {
            formats.push(mode.format);
            formats.len() - 1
        });
        rates.entry((format, std::cmp::Reverse(mode.size))).or_default().push(mode.rate);
    }
    let mut table = Table::new(["FORMAT", "SIZE", "FPS"]);
    let mut shown = None;
    for ((format, size), mut rates) in rates {
        rates.sort_by(|a, b| b.cmp(a));
        rates.dedup();
        let name = match formats[format] {
            _ if shown == Some(format) => " ".to_owned(),
            PixelFormat::Other(code) => format!("{code} (not served)"),
            served => served.to_string(),
        };
        shown = Some(format);
        let rates: Vec<String> = rates.iter().map(FrameRate::to_string).collect();
        table.row([name, size.0.to_string(), rates.join(", ")]);
    }
    format!("\n{}", table.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_grouped_by_format_and_size() {
        let mode = |format, width, height, fps| Mode {
            format,
            size: Size::new(width, height),
            rate: FrameRate::new(fps, 1),
        };
        let text = modes(&[
            mode(PixelFormat::Yuyv, 320, 240, 30),
            mode(PixelFormat::Mjpg, 640, 480, 15),
            mode(PixelFormat::Yuyv, 640, 480, 10),
            mode(PixelFormat::Yuyv, 640, 480, 30),
            mode(PixelFormat::Other(protocol::FourCc(*b"H264")), 640, 480, 30),
        ]);
        assert_eq!(
            text,
            "\n\
             FORMAT             SIZE     FPS\n\
             YUYV               640x480  30, 10\n\
             \u{20}                  320x240  30\n\
             MJPG               640x480  15\n\
             H264 (not served)  640x480  30\n"
        );
    }
}
