//! Text from devices and other programs, made fit for a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` without anything that could move a cursor, change colours or turn the reading
/// direction: names come from devices and from other programs.
pub(super) fn clean(text: &str) -> String {
    let harmful =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// `text` as one clean line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    clean(&words.join(" "))
}

/// `text` as one word of a command for a shell.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Columns that `text` takes up in a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// As much of `text` as fits into `columns`, with an ellipsis where something is left out.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let needed = c.width().unwrap_or(0);
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    });
    fits.chain(['…']).collect()
}

/// `count` things: `1 frame`, `2 frames`.
pub(super) fn count(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A number of bytes for people: `14.2 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB"].iter();
    let mut unit = units.next();
    while value >= 1000.0
        && let Some(larger) = units.next()
    {
        value /= 1000.0;
        unit = Some(larger);
    }
    let unit = unit.copied().unwrap_or_default();
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\u{202e}c"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(one_line("first\n\n  second\r\n"), "first second");
    }

    #[test]
    fn words_stay_one_for_a_shell() {
        assert_eq!(word("usb-A_1:0"), "usb-A_1:0");
        assert_eq!(word("Desk camera"), "'Desk camera'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn shortening_counts_columns() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(shorten("カメラ", 5), "カメ…");
        assert_eq!(shorten("カメラ", 6), "カメラ");
        assert_eq!(shorten("カメラ", 4), "カ…");
    }

    #[test]
    fn amounts_are_readable() {
        assert_eq!([bytes(0), bytes(999), bytes(1000)], ["0 B", "999 B", "1.0 kB"]);
        assert_eq!([bytes(14_210_000), bytes(5_000_000_000_000)], ["14.2 MB", "5000.0 GB"]);
        assert_eq!([count(0, "frame"), count(1, "frame")], ["0 frames", "1 frame"]);
    }
}
