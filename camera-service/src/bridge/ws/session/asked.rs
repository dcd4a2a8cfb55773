//! What a viewer sends: requests and what becomes of them, acknowledgements, published frames.

use std::time::Instant;

use protocol::{CameraId, ErrorKind, ErrorReply, Size};

use super::{
    Done, MOST_PUBLICATIONS, MOST_STREAMS, Open, Session, Watched,
    end::{End, bad},
};
use crate::bridge::{
    http::Wish,
    metrics::Way,
    ws::{
        frames::Stream,
        message::{Asked, Event, FrameHeader, Incoming, OpenStream, Outgoing, Publish, response},
        publish::{self, NotTaken, Publication, Told},
        requests,
    },
};

impl Session<'_> {
    pub(super) fn text(&mut self, text: &str) -> Result<(), End> {
        match Incoming::parse(text).map_err(bad)? {
            Incoming::Ack(ack) => {
                if let Some(open) = self.streams.get_mut(&ack.stream) {
                    let now = Instant::now();
                    open.stream.acknowledged(ack.sequence, now, self.bridge, &self.news);
                }
                Ok(())
            }
            Incoming::Request { id, what } => match *what {
                Ok(asked) => self.request(id, asked),
                Err(message) => self.refuse(&id, ErrorKind::Invalid, message),
            },
            Incoming::Identify(_) => Err(bad("this connection has identified already")),
        }
    }

    pub(super) fn respond(
        &mut self,
        id: &str,
        result: &Result<String, ErrorReply>,
    ) -> Result<(), End> {
        Ok(self.pipe.text(response(id, result))?)
    }

    pub(super) fn refuse(
        &mut self,
        id: &str,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Result<(), End> {
        self.respond(id, &Err(ErrorReply::new(kind, message)))
    }

    pub(super) fn request(&mut self, id: String, asked: Asked) -> Result<(), End> {
        let viewer = self.viewer.clone();
        match asked {
            Asked::Other(what) => {
                self.aside.begin(async move {
                    Done::Result { id, result: requests::perform(&viewer, what).await }
                });
            }
            Asked::OpenStream(open) => {
                if self.streams.len() >= MOST_STREAMS {
                    let message = format!("a connection may have {MOST_STREAMS} streams");
                    return self.refuse(&id, ErrorKind::Limit, message);
                }
                let wish = match wish(&open) {
                    Ok(wish) => wish,
                    Err(error) => return self.respond(&id, &Err(error)),
                };
                let camera = CameraId(open.camera.clone());
                self.aside.begin(async move {
                    let watch = viewer.watch(&camera).await;
                    Done::Watched(Box::new(Watched { id, open, wish, watch }))
                });
            }
            Asked::CloseStream { stream } => {
                return match self.streams.remove(&stream) {
                    Some(open) => {
                        if let Some(opening) = open.request {
                            self.refuse(&opening, ErrorKind::Invalid, "it was closed again")?;
                        }
                        self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).dec();
                        self.respond(&id, &Ok("{}".to_owned()))
                    }
                    None => {
                        self.refuse(&id, ErrorKind::Invalid, format!("there is no stream {stream}"))
                    }
                };
            }
            Asked::Publish(Publish { name, width, height, fps }) => {
                if self.publications.len() >= MOST_PUBLICATIONS {
                    let message = format!("a connection may be {MOST_PUBLICATIONS} cameras");
                    return self.refuse(&id, ErrorKind::Limit, message);
                }
                let rate = match requests::rate(fps) {
                    Ok(rate) => rate,
                    Err(error) => return self.respond(&id, &Err(error)),
                };
                let size = Size::new(width, height);
                self.aside.begin(async move {
                    let accepted = publish::open(&viewer, name, size, rate).await;
                    Done::Published { id, accepted }
                });
            }
            Asked::StopPublishing { publication } => {
                return match self.publications.remove(&publication) {
                    Some(_) => self.respond(&id, &Ok("{}".to_owned())),
                    None => {
                        let message = format!("there is no publication {publication}");
                        self.refuse(&id, ErrorKind::Invalid, message)
                    }
                };
            }
        }
        Ok(())
    }

    pub(super) fn done(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Result { id, result } => self.respond(&id, &result),
            Done::Watched(watched) => self.watched(*watched),
            Done::Published { id, accepted } => match accepted {
                Ok(_) if self.publications.len() >= MOST_PUBLICATIONS => {
                    let message = format!("a connection may be {MOST_PUBLICATIONS} cameras");
                    self.refuse(&id, ErrorKind::Limit, message)
                }
                Ok(accepted) => {
                    self.last += 1;
                    let camera = serde_json::to_string(&accepted.camera()).unwrap_or_default();
                    let publication = self.last;
                    self.respond(
                        &id,
                        &Ok(format!("{{\"camera\":{camera},\"publication\":{publication}}}")),
                    )?;
                    let started =
                        Publication::start(accepted, publication, self.aside.tell.clone());
                    self.publications.insert(publication, started);
                    Ok(())
                }
                Err(error) => self.respond(&id, &Err(error)),
            },
        }
    }

    fn watched(&mut self, watched: Watched) -> Result<(), End> {
        let Watched { id, open, wish, watch } = watched;
        match watch {
            Ok(_) if self.streams.len() >= MOST_STREAMS => {
                let message = format!("a connection may have {MOST_STREAMS} streams");
                self.refuse(&id, ErrorKind::Limit, message)
            }
            Ok(watch) => {
                let (number, news) = (self.last + 1, self.news.clone());
                let opened = Stream::open(self.bridge, number, watch, wish, open.adaptive, news);
                let stream = match opened {
                    Ok(stream) => stream,
                    Err(error) => return self.respond(&id, &Err(error)),
                };
                self.last = number;
                self.streams.insert(self.last, Open { stream, request: Some(id) });
                self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).inc();
                Ok(())
            }
            Err(error) => self.respond(&id, &Err(error)),
        }
    }

    pub(super) fn told(&mut self, told: Told) -> Result<(), End> {
        match told {
            Told::Demand { publication, watchers, credit } => {
                let Some(open) = self.publications.get_mut(&publication) else { return Ok(()) };
                open.allow(credit);
                let demand = Outgoing::Demand { publication, watchers, credit };
                Ok(self.pipe.text(demand.text())?)
            }
            Told::Ended { publication, error } => self.end_publication(publication, &error),
        }
    }

    pub(super) fn end_publication(
        &mut self,
        publication: u32,
        error: &ErrorReply,
    ) -> Result<(), End> {
        if self.publications.remove(&publication).is_none() {
            return Ok(());
        }
        let event = Event::PublicationEnded { publication, error };
        Ok(self.pipe.text(Outgoing::Event(event).text())?)
    }

    pub(super) fn published(&mut self, message: bytes::Bytes) -> Result<(), End> {
        let (header, image) = FrameHeader::published(&message)
            .map_err(|wrong| bad(format!("a frame is not understood: {wrong}")))?;
        let image = message.slice_ref(image);
        // One that has just ended may have frames on their way.
        let Some(publication) = self.publications.get_mut(&header.stream) else { return Ok(()) };
        match publication.take(header, image) {
            Ok(()) => {
                self.bridge.counters.published.inc();
                Ok(())
            }
            Err(NotTaken::Wrong(message)) => Err(bad(message)),
            Err(NotTaken::Ended(error)) => self.end_publication(header.stream, &error),
        }
    }
}

/// What a stream is to be like.
fn wish(open: &OpenStream) -> Result<Wish, ErrorReply> {
    let wrong = |message: &str| Err(ErrorReply::new(ErrorKind::Invalid, message));
    let side = |side: Option<u32>| side.is_none_or(|side| (1..=65_535).contains(&side));
    if !side(open.width) || !side(open.height) {
        return wrong("width and height are from 1 to 65535");
    }
    if open.quality.is_some_and(|quality| !(1..=100).contains(&quality)) {
        return wrong("quality is from 1 to 100");
    }
    let Ok(rotation) = open.rotation.unwrap_or(0).to_string().parse() else {
        return wrong("rotation is 0, 90, 180 or 270");
    };
    let Ok(crop) = open.crop.as_deref().map(str::parse).transpose() else {
        return wrong(
            "crop is LEFT,TOP,WIDTH,HEIGHT in per cent of the frame and within it, as 25,25,50,50",
        );
    };
    Ok(Wish {
        width: open.width,
        height: open.height,
        rate: open.fps.map(requests::rate).transpose()?,
        crop,
        quality: open.quality,
        rotation,
        mirror: open.mirror,
    })
}
