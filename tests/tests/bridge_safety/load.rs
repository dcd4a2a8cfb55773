//! Many connections, viewers that do not read, floods, and a bridge that is killed.

use super::*;

#[test]
fn a_thousand_idle_connections_keep_nobody_out_for_long() {
    let limits = "[bridge]\nconnections = 300\nconnections_per_address = 300\n";
    let setup = setup_with(limits);
    let mut viewer = Viewer::new(&setup);
    let mut check = setup.service.cli_start(&["check", "test:0", "--seconds", "3", "--json"]);
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(setup.bridge.connect());
    }
    viewer.sees(30);
    check.wait(LONG).ok();
    assert!(setup.bridge.fd_count() < 400, "{}", setup.bridge.fd_count());
    // Who says nothing makes room.
    wait_until("there to be room again", LONG, || {
        let mut stream = setup.bridge.connect();
        let host = setup.bridge.address();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let sent = stream.write_all(request.as_bytes());
        let answer = String::from_utf8_lossy(&drained(stream)).into_owned();
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("{sent:?} {answer}")) }
    });
    viewer.sees(5);
    drop(idle);
}

#[test]
fn a_viewer_that_never_reads_costs_the_others_nothing() {
    unharmed(&setup(), |setup| {
        let http = setup.bridge.http().token(&setup.watch);
        let _streams: Vec<TcpStream> = (0..5).map(|_| http.begin("GET", "/stream", b"")).collect();
        let mut sockets = Vec::new();
        for _ in 0..5 {
            let mut socket = setup.bridge.log_in(&setup.watch);
            socket.send(&json!({ "op": "request", "d": { "id": "s", "type": "open_stream", "camera": "test:0" } }));
            // Answers that nobody reads either.
            for id in 0..500 {
                let id = id.to_string();
                let request = json!({ "id": id, "type": "describe_camera", "camera": "test:0" });
                let sent = socket.stream().set_write_timeout(Some(Duration::from_millis(100)));
                sent.expect("set");
                if socket
                    .send_raw(Message::text(json!({ "op": "request", "d": request }).to_string()))
                    .is_err()
                {
                    break;
                }
            }
            sockets.push(socket);
        }
        let before = setup.bridge.anonymous_rss();
        thread::sleep(Duration::from_secs(1));
        let grown = setup.bridge.anonymous_rss().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes more");
    });
}

#[test]
fn a_flood_of_log_ins_is_slowed_and_shuts_nobody_out() {
    unharmed(&setup(), |setup| {
        assert_eq!(setup.bridge.http().token(&setup.all).get("/api/cameras").status, 200);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let guess = |guess: usize| {
                let http = setup.bridge.http().token(&format!("guess{guess}"));
                scope.spawn(move || {
                    (0..20).map(|_| http.get("/api/cameras").status).collect::<Vec<_>>()
                })
            };
            let guesses: Vec<_> = (0..8).map(guess).collect();
            guesses.into_iter().flat_map(|guess| guess.join().expect("it ends")).collect()
        });
        let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
        assert_eq!(count(401) + count(429), 160, "{statuses:?}");
        assert!(count(401) < 40, "{} were looked at", count(401));
        // Who was right before is let in all the same.
        assert_eq!(setup.bridge.http().token(&setup.all).get("/api/cameras").status, 200);
        let guess = setup.bridge.http().token("another").get("/api/cameras");
        assert_eq!(guess.status, 429);
        assert!(guess.header("retry-after").is_some());
        let log = setup.bridge.log();
        assert!(log.contains("a log-in failed") && !log.contains("guess"), "{log}");
        let lines = log.lines().filter(|line| line.contains("a log-in failed")).count();
        assert!(lines < 5, "{lines} lines in the log");
    });
}

#[test]
fn a_bridge_that_is_killed_is_there_again_at_once() {
    let config = format!("{}\n[bridge]\nenabled = true\nlisten = \"127.0.0.1:0\"\n", tests::QUICK);
    let service = Service::builder().test_camera("320x240@30").config(&config).start();
    let watch = token(&service, "watcher", &[Scope::Watch], &[]);
    let listening = |not: Option<u32>| {
        wait_until("the bridge to listen", LONG, || {
            let Reply::Bridge(status) = ask(&service, Request::BridgeStatus) else { panic!() };
            match (status.pid, status.urls.first()) {
                (Some(pid), Some(url)) if Some(pid) != not => Ok((pid, url.clone())),
                _ => Err(format!("{status:?}")),
            }
        })
    };
    let snapshot = |url: &str| {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let http = Http::new(address.parse().expect("an address")).token(&watch);
        wait_until("a picture", LONG, || {
            let answer = http.get("/snapshot");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    };
    let (pid, url) = listening(None);
    snapshot(&url);
    let killed = Instant::now();
    Process::new(pid).signal(Signal::KILL);
    let (_, url) = listening(Some(pid));
    let away = killed.elapsed();
    assert!(away < Duration::from_secs(2), "{away:?}");
    snapshot(&url);
    service.stop().ok();
    wait_until("the bridge to end with the service", LONG, || {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        match TcpStream::connect(address) {
            Err(_) => Ok(()),
            Ok(_) => Err(format!("{address} is still there")),
        }
    });
}

/// Opens as many different streams as a connection may have, beginning with this width; the kinds
/// of the errors.
#[track_caller]
fn open_different(socket: &mut WebSocket, from: u64) -> Vec<String> {
    let widths = from..from + 16;
    let opened = widths.map(|width| {
        let wish = json!({ "camera": "test:0", "adaptive": false, "width": width, "fps": 1 });
        socket.request("open_stream", wish)
    });
    let failed = opened.filter(|response| response["ok"] != true);
    failed.map(|response| response["error"]["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn a_token_that_takes_all_it_can_locks_nobody_out_of_the_service() {
    let setup = setup_with("[limits]\nconnections = 40\n");
    let (mut sockets, mut refused) = (Vec::new(), 0);
    for round in 0..10 {
        let Ok(mut socket) = WebSocket::try_connect(setup.bridge.address(), &[]) else {
            refused += 1;
            continue;
        };
        socket.op("hello");
        socket.send(&json!({ "op": "identify", "d": { "token": setup.watch } }));
        match socket.next(LONG) {
            Ok(Some(message)) if message["op"] == "identified" => {
                let kinds = open_different(&mut socket, 32 + round * 16);
                assert!(kinds.iter().all(|kind| kind == "limit"), "{kinds:?}");
                refused += kinds.len();
                sockets.push(socket);
            }
            _ => refused += 1,
        }
    }
    assert!(refused > 10 && !sockets.is_empty(), "{refused} refused, {} taken", sockets.len());
    // It has what it gets; this user has the rest.
    let status = setup.service.json(&["status"]);
    let connections = status["connections"].as_u64().expect("a number");
    assert!((25..40).contains(&connections), "{status}");
    setup.service.cli(&["check", "test:0", "--seconds", "1"]).ok();
    setup.service.cli(&["off"]).ok();
    setup.service.cli(&["token", "revoke", "watcher"]).ok();
    let (mut first, mut seen) = (sockets.remove(0), Vec::new());
    while let Ok(Some(message)) = first.next(LONG) {
        seen.push(message);
    }
    assert!(seen.len() < 100, "{seen:?}");
}

#[test]
fn a_token_has_its_share_of_streams_and_others_have_theirs() {
    const SHARE: usize = 64;
    let setup = setup();
    let mut sockets: Vec<WebSocket> =
        (0..SHARE / 16).map(|_| setup.bridge.log_in(&setup.watch)).collect();
    for (round, socket) in (0..).zip(&mut sockets) {
        assert_eq!(open_different(socket, 32 + round * 16), [""; 0]);
    }
    let mut more = setup.bridge.log_in(&setup.watch);
    assert_eq!(open_different(&mut more, 200), ["limit"; 16]);
    // What is there costs nothing more, and another token has a share of its own.
    let there = json!({ "camera": "test:0", "adaptive": false, "width": 32, "fps": 1 });
    more.ok("open_stream", there);
    let http = setup.bridge.http();
    assert_eq!(http.token(&setup.watch).get("/snapshot?width=300").status, 503);
    assert_eq!(setup.bridge.http().token(&setup.all).get("/snapshot?width=300").status, 200);
    // Given back, it can be had again, a moment later.
    drop(sockets);
    wait_until("there to be room again", LONG, || {
        let kinds = open_different(&mut more, 200);
        if kinds.len() < 16 { Ok(()) } else { Err(format!("{kinds:?}")) }
    });
}
