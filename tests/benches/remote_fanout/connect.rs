//! A viewer's way to its frames: connects, logs in, and asks for them.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use anyhow::{Result, ensure};

use super::{
    servers::Kind,
    wire::{message, text_message},
};

/// Connects and asks for frames.
pub(super) fn connect(kind: Kind, address: SocketAddr, token: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let host = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
    match kind {
        Kind::Plain => stream.write_all(b"frames\n")?,
        Kind::Mjpeg | Kind::Ustreamer => {
            stream.write_all(format!("GET /stream HTTP/1.1\r\n{host}\r\n").as_bytes())?;
            until(&mut stream, b"\r\n\r\n")?;
        }
        Kind::WebSocket => {
            let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                           Sec-WebSocket-Protocol: camera.v1.json\r\n";
            stream.write_all(format!("GET /ws HTTP/1.1\r\n{host}{upgrade}\r\n").as_bytes())?;
            until(&mut stream, b"\r\n\r\n")?;
            let identify = format!(r#"{{"op":"identify","d":{{"token":"{token}","events":[]}}}}"#);
            stream.write_all(&text_message(&identify))?;
            let camera = loop {
                let text = text(&mut stream)?;
                if let Some(id) = text["d"]["cameras"][0]["id"].as_str() {
                    break id.to_owned();
                }
            };
            let open = serde_json::json!({ "op": "request", "d": {
                "id": "open", "type": "open_stream", "camera": camera, "adaptive": false,
            }});
            stream.write_all(&text_message(&open.to_string()))?;
            let response = text(&mut stream)?;
            ensure!(response["d"]["ok"] == true, "{response}");
        }
    }
    Ok(stream)
}

fn until(stream: &mut TcpStream, end: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(end) {
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    Ok(bytes)
}

fn text(stream: &mut TcpStream) -> Result<serde_json::Value> {
    let mut head = Vec::new();
    let (_, length, binary) = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if let Some((start, length, binary)) = message(&head)
            && head.len() == start
        {
            break (start, length, binary);
        }
    };
    ensure!(!binary, "a frame came before the response");
    let mut text = vec![0; length];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
