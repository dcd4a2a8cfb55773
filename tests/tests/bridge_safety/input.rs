//! Input that is wrong, long, slow or lies.

use super::*;

#[test]
fn paths_lead_nowhere_but_to_what_is_there() {
    let setup = &setup();
    for path in [
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/app.css/../../../Cargo.toml",
        "/api/cameras/../../etc/passwd",
        "/api/cameras/%00",
        "/api/cameras/%ff",
        "/api/cameras/",
        "/index.html%00",
        "/Cargo.toml",
        "/.git/config",
    ] {
        let answer = setup.bridge.http().token(&setup.all).get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn headers_and_bodies_without_measure_are_cut_off() {
    unharmed(&setup(), |setup| {
        let send = |bytes: &[u8]| {
            let mut stream = setup.bridge.connect();
            // It may be closed before all is sent.
            let _ = stream.write_all(bytes);
            String::from_utf8_lossy(&drained(stream)).into_owned()
        };
        let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(5000));
        let answer = send(many.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let long =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "b".repeat(1 << 20));
        let answer = send(long.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a/".repeat(1 << 19));
        let answer = send(path.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let http = setup.bridge.http().token(&setup.all);
        let large = http.post("/api/request", &"x".repeat(65 << 10));
        assert_eq!(large.status, 413, "{large:?}");
        let endless = format!(
            "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
            u64::MAX,
            "x".repeat(4 << 20)
        );
        let answer = send(endless.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let deep = format!("{{\"type\":{}", "[".repeat(60_000));
        assert_eq!(http.post("/api/request", &deep).status, 400);
        let bad = http.ask("POST", "/api/request", b"{\"type\":\"\xff\xfe\"}");
        assert_eq!(bad.status, 400, "{bad:?}");
        // 64 MiB of spaces behind a request, as gzip has it: it is not unpacked.
        let pack = r#"{ printf '{"type":"time"}'; head -c 64M /dev/zero | tr '\0' ' '; } | gzip"#;
        let bomb = std::process::Command::new("sh").args(["-c", pack]).output().expect("packed");
        let bomb = bomb.stdout;
        assert!(bomb.len() > 10_000, "{} bytes", bomb.len());
        for coding in ["Content-Encoding", "Transfer-Encoding"] {
            let answer = http.clone().header(coding, "gzip").ask("POST", "/api/request", &bomb);
            assert!((400..500).contains(&answer.status), "{coding}: {answer:?}");
        }
        for garbage in [
            &b"\0\0\0\0"[..],
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            send(garbage);
        }
    });
}

#[test]
fn who_dawdles_is_cut_off() {
    unharmed(&setup(), |setup| {
        let began = Instant::now();
        let mut headers = setup.bridge.connect();
        headers.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").expect("sent");
        let mut body = setup.bridge.connect();
        let request = format!(
            "POST /api/request HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Length: 1000\r\n\r\n{{",
            setup.all
        );
        body.write_all(request.as_bytes()).expect("sent");
        let mut socket = setup.bridge.websocket();
        // A byte now and then keeps nothing alive.
        let dripping = headers.try_clone().map(|mut stream| {
            thread::spawn(move || {
                while stream.write_all(b"A").is_ok() && began.elapsed() < LONG {
                    thread::sleep(Duration::from_millis(500));
                }
            })
        });
        assert_eq!(socket.closed().0, 4001);
        drained(headers);
        let answer = String::from_utf8_lossy(&drained(body)).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        dripping.expect("cloned").join().expect("it ends");
    });
}

#[test]
fn messages_that_are_none_close_the_connection() {
    unharmed(&setup(), |setup| {
        let closed = |message: Message| {
            let mut socket = setup.bridge.log_in(&setup.watch);
            // It may be closed before all is sent.
            let _ = socket.send_raw(message);
            socket.closed_somehow()
        };
        let deep = format!("{{\"op\":\"request\",\"d\":{}", "[".repeat(50_000));
        for text in ["", "x", "[]", "{}", r#"{"op":"fly","d":{}}"#, r#"{"op":"ack","d":{}}"#, &deep]
        {
            assert_eq!(closed(Message::text(text)), Some(4000), "{text:.50}");
        }
        // Who may send large images may not send large texts.
        let mut publisher = setup.bridge.log_in(&setup.all);
        let blank = " ".repeat(65 << 10);
        let _ = publisher.send_raw(Message::text(format!("{{\"op\":\"ack\",{blank}\"d\":{{}}}}")));
        let (code, error) = publisher.closed();
        assert_eq!(code, 4000, "{error}");
        assert!(error["message"].as_str().is_some_and(|said| said.contains("64 KiB")), "{error}");
        assert_eq!(closed(Message::binary(vec![2; 10])), Some(4000));
        assert_eq!(closed(Message::binary(vec![2; 1000])), Some(4000));
        // 64 MiB, in one piece and in pieces without end.
        let text = Message::text("x".repeat(64 << 20));
        assert!(closed(text).is_none_or(|code| code == 4000));
        let fragment = |first: bool, length: usize| {
            let kind = if first { Data::Text } else { Data::Continue };
            let bytes = Bytes::from(vec![b'x'; length]);
            Message::Frame(Frame::message(bytes, OpCode::Data(kind), false))
        };
        for length in [0, 1, 1000] {
            let mut socket = setup.bridge.log_in(&setup.watch);
            let mut first = true;
            let until = Instant::now() + LONG;
            while socket.send_raw(fragment(std::mem::take(&mut first), length)).is_ok() {
                assert!(Instant::now() < until, "fragments of {length} go on for ever");
            }
        }
        // What is no UTF-8.
        let bad = Frame::message(
            Bytes::from_static(b"{\"op\":\"\xff\"}"),
            OpCode::Data(Data::Text),
            true,
        );
        assert!(closed(Message::Frame(bad)).is_none_or(|code| code == 4000));
        // Compressed: nobody offered that.
        let mut bomb = Frame::message(Bytes::from(vec![0; 1000]), OpCode::Data(Data::Text), true);
        bomb.header_mut().rsv1 = true;
        assert!(closed(Message::Frame(bomb)).is_none_or(|code| code == 4000));
    });
}

/// How a connection ended, where the other side may not have had time for words.
trait ClosedSomehow {
    fn closed_somehow(&mut self) -> Option<u16>;
}

impl ClosedSomehow for WebSocket {
    fn closed_somehow(&mut self) -> Option<u16> {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            match self.next(Duration::from_secs(1)) {
                Ok(_) => {}
                Err(error) => {
                    let code = error.split_once("Library(").or(error.split_once("code: "));
                    let digits = code.map(|(_, rest)| {
                        rest.chars().take_while(char::is_ascii_digit).collect::<String>()
                    });
                    return digits.and_then(|digits| digits.parse().ok());
                }
            }
        }
        panic!("the connection is not closed");
    }
}

#[test]
fn compression_is_not_offered() {
    let setup = setup();
    let mut stream = setup.bridge.connect();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: camera.v1.json\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
        setup.bridge.address()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    stream.set_read_timeout(Some(LONG)).expect("set");
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes).expect("an answer");
    let answer = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
}

#[test]
fn published_images_that_lie_end_the_publication_alone() {
    unharmed(&setup(), |setup| {
        let size = Size::new(320, 240);
        let good = jpeg(size, 1);
        let frame = good
            .windows(2)
            .position(|pair| pair[0] == 0xff && pair[1] & 0xf0 == 0xc0 && pair[1] != 0xc4);
        let at = frame.expect("a frame header");
        let mut huge = good.clone();
        huge[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
        for bad in
            [huge, b"\xff\xd8\xff\xd9".to_vec(), vec![0; 100], Vec::new(), good[..at].to_vec()]
        {
            let mut phone = setup.bridge.log_in(&setup.all);
            let fields = json!({ "name": "phone", "width": 320, "height": 240, "fps": 30 });
            let published = wait_until("the name to be free", LONG, || {
                let response = phone.request("publish", fields.clone());
                if response["ok"] == true { Ok(response) } else { Err(response.to_string()) }
            });
            let publication = published["result"]["publication"].as_u64().expect("a number") as u32;
            // There is credit as soon as somebody watches.
            let watch =
                json!({ "id": "watch", "type": "open_stream", "camera": "published:phone" });
            phone.send(&json!({ "op": "request", "d": watch }));
            wait_until("credit", LONG, || match phone.op("demand") {
                demand if demand["credit"].as_u64() > Some(0) => Ok(()),
                demand => Err(demand.to_string()),
            });
            phone.publish(publication, 1, (320, 240), &bad);
            let ended = phone.event("publication_ended");
            assert_eq!(ended["publication"], publication, "{ended}");
            // The connection lives on.
            phone.ok("time", json!({}));
        }
        // More frames than there is credit for.
        let mut phone = setup.bridge.log_in(&setup.all);
        let fields = json!({ "name": "flood", "width": 320, "height": 240, "fps": 30 });
        let publication =
            phone.ok("publish", fields)["publication"].as_u64().expect("a number") as u32;
        for number in 0..1000 {
            let mut message = vec![2, 40, 0, 0];
            message.extend(publication.to_le_bytes());
            message.extend(u64::to_le_bytes(number));
            message.extend([0; 20]);
            message.extend((good.len() as u32).to_le_bytes());
            message.extend(&good);
            if phone.send_raw(Message::binary(message)).is_err() {
                break;
            }
        }
        assert_eq!(phone.closed_somehow().unwrap_or(4000), 4000);
    });
}
