//! A client that is a camera, as tests and their figures need it.

use std::{sync::mpsc, time::Duration};

use protocol::{
    ConnectionId, Mode, PixelFormat, PublishRequest,
    client::{ClientError, Connector, PublishEvent},
    strip::{self, Strip},
};
use tokio::time::{Instant, sleep_until};

use super::{
    connector,
    notes::{Notes, PATIENCE, Reading},
};
use crate::Service;

/// What happened to a [`Publishing`] client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Watchers, and frames that may be sent in addition.
    Demand(u32, u32),
    /// A frame was sent; they are counted from 1, as the service does.
    Sent(u64),
    /// A frame was due, and could not be sent since there was no credit.
    Withheld,
    /// It is no camera any more, and why.
    Ended(String),
}

/// A client that publishes at its rate for as long as somebody watches, until it is dropped.
pub struct Publishing {
    notes: Notes<Told>,
    _reading: Reading,
}

impl Publishing {
    /// Starts it; `frame` gives the frame of a number, counted from 1.
    #[track_caller]
    pub fn start(
        service: &Service,
        name: &str,
        mode: Mode,
        frame: impl FnMut(u64) -> Vec<u8> + Send + 'static,
    ) -> Self {
        Self::try_start(service, name, mode, frame).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts it, or says why it was refused.
    #[track_caller]
    pub fn try_start(
        service: &Service,
        name: &str,
        mode: Mode,
        frame: impl FnMut(u64) -> Vec<u8> + Send + 'static,
    ) -> Result<Self, ClientError> {
        let (notes, connector) = (Notes::new(), connector(service));
        let request = PublishRequest { name: name.to_owned(), mode, colour: None };
        let (accepted, answer) = mpsc::channel();
        let noted = notes.clone();
        let reading = Reading::start(move || async move {
            publish(connector, request, frame, &noted, accepted).await;
        });
        answer.recv_timeout(PATIENCE).expect("an answer")?;
        Ok(Self { notes, _reading: reading })
    }

    /// Number of things that happened so far: where to look from for what comes next.
    pub fn now(&self) -> usize {
        self.notes.all().len()
    }

    /// Waits for something, the `from`th that happened or a later one, and gives it with its
    /// number.
    #[track_caller]
    pub fn wait(&self, from: usize, what: &str, wanted: impl Fn(&Told) -> bool) -> (usize, Told) {
        self.notes.wait(from, what, wanted)
    }

    /// Waits until it is told why it is no camera any more.
    #[track_caller]
    pub fn ended(&self) -> String {
        match self.wait(0, "publishing to end", |told| matches!(told, Told::Ended(_))).1 {
            Told::Ended(why) => why,
            other => unreachable!("{other:?}"),
        }
    }

    /// All that happened so far.
    pub fn all(&self) -> Vec<Told> {
        self.notes.all().clone()
    }
}

async fn publish(
    connector: Connector,
    request: PublishRequest,
    mut frame: impl FnMut(u64) -> Vec<u8>,
    notes: &Notes<Told>,
    accepted: mpsc::Sender<Result<ConnectionId, ClientError>>,
) {
    let interval = request.mode.rate.interval_ns().map(Duration::from_nanos);
    let mut publisher = match connector.publish(request).await {
        Ok(publisher) => publisher,
        Err(error) => {
            accepted.send(Err(error)).expect("the test waits for it");
            return;
        }
    };
    let interval = interval.expect("who has no rate is refused");
    accepted.send(Ok(publisher.id())).expect("the test waits for it");
    let (mut credit, mut sent) = (0, 0);
    // From the first credit on, when the camera is open; `None` while it rests.
    let mut due: Option<Instant> = None;
    loop {
        let ended = tokio::select! {
            biased;
            event = publisher.next() => match event {
                Ok(PublishEvent::Demand { watchers, credit: more }) => {
                    notes.add(Told::Demand(watchers, more));
                    credit += more;
                    due = (watchers > 0).then_some(due).flatten();
                    if watchers > 0 && credit > 0 {
                        due.get_or_insert_with(Instant::now);
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = due.map(|due| due + interval);
                if credit == 0 {
                    notes.add(Told::Withheld);
                    Ok(())
                } else {
                    (credit, sent) = (credit - 1, sent + 1);
                    let result = publisher.send(&frame(sent), None).await;
                    result.map(|()| notes.add(Told::Sent(sent)))
                }
            }
        };
        if let Err(error) = ended {
            notes.add(Told::Ended(error.to_string()));
            return;
        }
    }
}

/// A raw frame in `mode` with a strip that says `number`.
#[must_use]
pub fn picture(mode: Mode, number: u64) -> Vec<u8> {
    let Mode { format, size, .. } = mode;
    let pixels = size.area() as usize;
    let (width, rows) = (size.width as usize, size.height as usize);
    // Bytes of a pixel in the first plane, of which the first (of a colour, all) are its
    // brightness.
    let (step, bright, length) = match format {
        PixelFormat::I420 | PixelFormat::Nv12 => (1, 1, pixels * 3 / 2),
        PixelFormat::Yuyv => (2, 1, pixels * 2),
        PixelFormat::Rgb => (3, 3, pixels * 3),
        PixelFormat::Rgba => (4, 3, pixels * 4),
        other => panic!("{other} is not drawn here"),
    };
    let mut luma = vec![110; pixels];
    let said = Strip { sequence: number, monotonic_ns: 0 };
    strip::draw(&mut luma, width, size, (16, 235), &said).expect("it is large enough");
    let mut bytes = vec![128; length];
    let drawn = bytes[..width * rows * step].chunks_exact_mut(step);
    for (pixel, luma) in drawn.zip(luma) {
        pixel[..bright].fill(luma);
    }
    bytes
}
