//! A viewer by WebSocket.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    self, Message,
    client::{IntoClientRequest as _, client},
    http::HeaderValue,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that speaks `camera.v1.json`.
pub struct WebSocket {
    socket: tungstenite::WebSocket<TcpStream>,
    /// Read while something else was waited for.
    messages: VecDeque<Value>,
    frames: VecDeque<Frame>,
    next_id: u64,
}

/// A frame and its header.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The stream.
    pub stream: u32,
    /// The driver's number.
    pub sequence: u64,
    /// Time of capture, µs since 1970.
    pub unix_us: u64,
    /// Width and height.
    pub size: (u32, u32),
    /// Frames passed over since the last one.
    pub dropped: u32,
    /// The image.
    pub jpeg: Vec<u8>,
    /// When it was read.
    pub read: Instant,
}

impl Frame {
    fn parse(bytes: &[u8]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        assert_eq!((bytes[0], bytes[1]), (1, 40), "a frame's header");
        let jpeg = bytes[40..].to_vec();
        assert_eq!(u32_at(36) as usize, jpeg.len());
        Self {
            stream: u32_at(4),
            sequence: u64_at(8),
            unix_us: u64_at(16),
            size: (u32_at(24), u32_at(28)),
            dropped: u32_at(32),
            jpeg,
            read: Instant::now(),
        }
    }
}

impl WebSocket {
    /// Connects, and takes the hello.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let mut this = Self::try_connect(address, &[]).expect("the handshake succeeds");
        let hello = this.message();
        assert_eq!(hello["op"], "hello", "{hello}");
        assert_eq!(hello["d"]["protocol"], 1, "{hello}");
        this
    }

    /// Connects with these headers in addition.
    pub fn try_connect(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let mut request =
            format!("ws://{address}/ws").into_client_request().map_err(|e| e.to_string())?;
        let value = |text: &str| HeaderValue::from_str(text).expect("a header");
        request.headers_mut().insert("Sec-WebSocket-Protocol", value("camera.v1.json"));
        for (name, text) in headers {
            request.headers_mut().insert(*name, value(text));
        }
        let (socket, _) = client(request, stream).map_err(|error| error.to_string())?;
        Ok(Self { socket, messages: VecDeque::new(), frames: VecDeque::new(), next_id: 0 })
    }

    /// Logs in, and gives `identified` and the state that follows.
    #[track_caller]
    pub fn log_in(&mut self, token: &str) -> (Value, Value) {
        self.send(&json!({ "op": "identify", "d": { "token": token } }));
        let identified = self.message();
        assert_eq!(identified["op"], "identified", "{identified}");
        let watches =
            identified["d"]["scopes"].as_array().is_some_and(|s| s.contains(&"watch".into()));
        let state = if watches { self.event("state") } else { Value::Null };
        (identified["d"].clone(), state)
    }

    /// Sends a message.
    #[track_caller]
    pub fn send(&mut self, message: &Value) {
        self.send_raw(Message::text(message.to_string())).expect("sent");
    }

    /// Sends whatever it is.
    pub fn send_raw(&mut self, message: Message) -> Result<(), String> {
        self.socket.send(message).map_err(|error| error.to_string())
    }

    /// The socket below.
    pub fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// The next message that is no frame.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        match self.next(PATIENCE) {
            Ok(Some(message)) => message,
            other => panic!("no message came: {other:?}"),
        }
    }

    /// The next message that is no frame; `None` after `patience`; fails with what closed the
    /// connection.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Value>, String> {
        let until = Instant::now() + patience;
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Ok(Some(message));
            }
            if !self.read(until)? {
                return Ok(None);
            }
        }
    }

    /// The next frame of any stream; `None` after `patience`.
    pub fn frame_within(&mut self, patience: Duration) -> Result<Option<Frame>, String> {
        let until = Instant::now() + patience;
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if !self.read(until)? {
                return Ok(None);
            }
        }
    }

    /// The next frame, acknowledged.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        match self.frame_within(PATIENCE) {
            Ok(Some(frame)) => {
                self.acknowledge(&frame);
                frame
            }
            other => panic!("no frame came: {other:?}"),
        }
    }

    /// Says that a frame was shown.
    pub fn acknowledge(&mut self, frame: &Frame) {
        let ack = json!({ "stream": frame.stream, "sequence": frame.sequence });
        self.send(&json!({ "op": "ack", "d": ack }));
    }

    /// Reads one message; `false` when none has come by then.
    fn read(&mut self, until: Instant) -> Result<bool, String> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream().set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match self.socket.read() {
            Ok(Message::Text(text)) => {
                let message = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
                self.messages.push_back(message);
            }
            Ok(Message::Binary(bytes)) => self.frames.push_back(Frame::parse(&bytes)),
            Ok(Message::Close(close)) => return Err(format!("closed: {close:?}")),
            Ok(_) => {}
            Err(tungstenite::Error::Io(error))
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error.to_string()),
        }
        Ok(true)
    }

    /// The next event of this kind; others before it are passed over.
    #[track_caller]
    pub fn event(&mut self, kind: &str) -> Value {
        self.find(kind, |message| message["op"] == "event" && message["d"]["event"] == kind)["d"]
            .clone()
    }

    /// The next message of this op; others before it are passed over.
    #[track_caller]
    pub fn op(&mut self, op: &str) -> Value {
        self.find(op, |message| message["op"] == op)["d"].clone()
    }

    #[track_caller]
    fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let until = Instant::now() + PATIENCE;
        loop {
            match self.next(until.saturating_duration_since(Instant::now())) {
                Ok(Some(message)) if fits(&message) => return message,
                Ok(Some(message)) => passed.push(message),
                other => panic!("no {what} came: {other:?} after {passed:?}"),
            }
        }
    }

    /// Sends a request and gives its response, `ok` or not; what comes in between is kept.
    #[track_caller]
    pub fn request(&mut self, kind: &str, fields: Value) -> Value {
        self.next_id += 1;
        let id = format!("r{}", self.next_id);
        let mut d = fields;
        d["id"] = id.as_str().into();
        d["type"] = kind.into();
        self.send(&json!({ "op": "request", "d": d }));
        let mut kept = VecDeque::new();
        let until = Instant::now() + PATIENCE;
        let response = loop {
            match self.next(until.saturating_duration_since(Instant::now())) {
                Ok(Some(message)) if message["op"] == "response" && message["d"]["id"] == *id => {
                    break message["d"].clone();
                }
                Ok(Some(message)) => kept.push_back(message),
                other => panic!("{kind}: no response came: {other:?} after {kept:?}"),
            }
        };
        kept.append(&mut self.messages);
        self.messages = kept;
        response
    }

    /// The result of a request that is to succeed.
    #[track_caller]
    pub fn ok(&mut self, kind: &str, fields: Value) -> Value {
        let response = self.request(kind, fields);
        assert_eq!(response["ok"], true, "{kind}: {response}");
        response["result"].clone()
    }

    /// The kind of error of a request that is to fail.
    #[track_caller]
    pub fn fails(&mut self, kind: &str, fields: Value) -> String {
        let response = self.request(kind, fields);
        assert_eq!(response["ok"], false, "{kind}: {response}");
        response["error"]["kind"].as_str().expect("a kind").to_owned()
    }

    /// Publishes a frame.
    pub fn publish(&mut self, publication: u32, sequence: u64, size: (u32, u32), jpeg: &[u8]) {
        let mut message = vec![2, 40, 0, 0];
        message.extend(publication.to_le_bytes());
        message.extend(sequence.to_le_bytes());
        message.extend(0_u64.to_le_bytes());
        message.extend(size.0.to_le_bytes());
        message.extend(size.1.to_le_bytes());
        message.extend(0_u32.to_le_bytes());
        message.extend((jpeg.len() as u32).to_le_bytes());
        message.extend(jpeg);
        self.send_raw(Message::binary(message)).expect("sent");
    }

    /// Waits for the close, and gives its code and the error said before.
    #[track_caller]
    pub fn closed(&mut self) -> (u16, Value) {
        let mut error = Value::Null;
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "the connection is not closed");
            self.stream().set_read_timeout(Some(PATIENCE)).expect("set");
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["op"] == "error" {
                        error = message["d"].clone();
                    }
                }
                Ok(Message::Close(close)) => {
                    return (close.map_or(1005, |close| close.code.into()), error);
                }
                Ok(_) => {}
                Err(error) => panic!("the connection ended without a close: {error}"),
            }
        }
    }
}
