//! Puts the golden messages into `corpus/`: their bodies for the decoders, and connections made
//! of them for the targets that read whole connections.

use std::{fs, io, path::Path};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocol/tests/golden");
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

/// Pieces of 1, 2, 3, 4 and 253 to 256 bytes; for `from_service` they choose among the roles.
const FIRST: [u8; 8] = [0, 1, 2, 3, 252, 253, 254, 255];

fn main() -> io::Result<()> {
    let kinds = [
        "hello",
        "welcome",
        "request",
        "reply",
        "event",
        "stream_command",
        "stream_message",
        "publish_command",
        "publish_message",
    ];
    for kind in kinds {
        for (name, bytes) in golden(kind)? {
            put(kind, &name, &bytes[4..])?;
        }
    }
    for (name, preamble) in golden("preamble")? {
        let (target, handshake, messages): (_, _, &[&str]) = match name.as_str() {
            "client/Control" => ("from_client", "hello", &["request"]),
            "client/Events" => ("from_client", "hello", &[]),
            "client/Stream" => ("from_client", "hello", &["stream_command"]),
            "client/Publish" => ("from_client", "hello", &["publish_command"]),
            _ => (
                "from_service",
                "welcome",
                &["reply", "event", "stream_message", "publish_message"],
            ),
        };
        let mut streams = vec![Vec::new()];
        for kind in messages {
            streams.push(golden(kind)?.into_iter().flat_map(|(_, bytes)| bytes).collect());
        }
        for (number, stream) in streams.iter().enumerate() {
            for first in FIRST {
                for (greeting, hello) in golden(handshake)? {
                    let input = [&[first][..], &preamble, &hello, stream].concat();
                    put(target, &format!("{name}-{greeting}-{number}-{first}"), &input)?;
                }
            }
        }
    }
    Ok(())
}

fn put(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Path::new(CORPUS).join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name.replace('/', "-")), bytes)
}

/// Names and bytes of a golden file.
fn golden(kind: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let text = fs::read_to_string(Path::new(GOLDEN).join(format!("{kind}.txt")))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| entry(line).ok_or_else(|| io::Error::other(line.to_owned()))).collect()
}

fn entry(line: &str) -> Option<(String, Vec<u8>)> {
    let (name, hex) = line.split_once(": ")?;
    let digits: Vec<char> = hex.chars().filter(|c| *c != ' ').collect();
    let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    Some((name.to_owned(), digits.chunks(2).map(pair).collect::<Option<_>>()?))
}
