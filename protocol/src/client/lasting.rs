//! Streams, events and publications that outlast the service: when the connection ends because
//! the service has gone, they wait for it, connect again and ask for the same again.
//!
//! What waiting does not cure ends them: a refusal by a service that runs, another version, the
//! user who disconnects this program. Nothing is sent twice and nothing is kept meanwhile: what
//! happened in the gap is lost, and its length is told.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{
    ClientError, Connector, EventStream, FrameStream, PublishEvent, Publisher, StreamEvent,
};
use crate::{ErrorKind, EventMessage, PublishRequest, StreamRequest};

/// Between two attempts, at first and while they keep failing: a service that is back is found
/// well within a second.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(400)];
/// A service that is back may know its cameras only after a while: another program has to publish
/// them again, a device is slow. So long it is asked again.
const CAMERAS: Duration = Duration::from_secs(15);

/// What happens on a connection that lasts.
#[derive(Debug)]
pub enum Lasting<T> {
    /// Something came.
    Came(T),
    /// The service has gone, and why that is thought; it is waited for.
    Gone(ClientError),
    /// It is back, after so long; what it says next is as at the beginning.
    Reconnected {
        /// From the end of the one connection to the beginning of the next.
        gap: Duration,
    },
}

/// Whether a connection that ended so may be had again by waiting: the service ended or was
/// killed, is just starting, or has given up a client that was too slow.
#[must_use]
pub fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::NotRunning(_)
        | ClientError::Closed
        | ClientError::Connect { .. }
        | ClientError::NoAnswer(_) => true,
        // What cannot be understood will not be the next time either.
        ClientError::Transport(error) => !matches!(error, super::TransportError::Wire(_)),
        // A program that was itself stopped, in the middle of what it sent, was given up.
        ClientError::Reply(reply) => {
            matches!(reply.kind, ErrorKind::Stopping | ErrorKind::Timeout)
        }
        _ => false,
    }
}

/// Waiting for the service between two connections.
#[derive(Debug)]
struct Gap {
    began: Instant,
    /// When the service was first found to be back, though not ready for us.
    back: Option<Instant>,
    next: Instant,
    wait: Duration,
}

impl Gap {
    fn new() -> Self {
        let began = Instant::now();
        Self { began, back: None, next: began, wait: RETRY[0] }
    }

    /// Makes one attempt when it is time for it; `None` where it failed and another is to come.
    /// Safe to cancel.
    async fn attempt<T>(
        &mut self,
        connect: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<Option<T>, ClientError> {
        sleep_until(self.next).await;
        let error = match connect.await {
            Ok(connection) => return Ok(Some(connection)),
            Err(error) => error,
        };
        self.next = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(RETRY[1]);
        self.passes(error).map(|()| None)
    }

    /// Fails unless `error` may pass.
    fn passes(&mut self, error: ClientError) -> Result<(), ClientError> {
        if is_passing(&error) {
            self.back = None;
            return Ok(());
        }
        let missing = matches!(&error, ClientError::Reply(reply)
            if matches!(reply.kind, ErrorKind::NoSuchCamera | ErrorKind::NameTaken));
        let back = *self.back.get_or_insert_with(Instant::now);
        if missing && back.elapsed() < CAMERAS { Ok(()) } else { Err(error) }
    }
}

/// A [`FrameStream`] that lasts.
pub struct LastingStream {
    connector: Connector,
    request: StreamRequest,
    state: State<FrameStream>,
}

/// An [`EventStream`] that lasts.
pub struct LastingEvents {
    connector: Connector,
    state: State<EventStream>,
}

/// A [`Publisher`] that lasts.
pub struct LastingPublisher {
    connector: Connector,
    request: PublishRequest,
    state: State<Publisher>,
}

enum State<T> {
    /// Boxed: the larger part of these by far.
    Open(Box<T>),
    /// Waiting for the service.
    Gap(Gap),
}

impl<T> State<T> {
    fn open(connection: T) -> Self {
        Self::Open(Box::new(connection))
    }

    /// The connection has ended with `error`.
    fn ended<E>(&mut self, error: ClientError) -> Result<Lasting<E>, ClientError> {
        if !is_passing(&error) {
            return Err(error);
        }
        *self = Self::Gap(Gap::new());
        Ok(Lasting::Gone(error))
    }
}

impl Connector {
    /// As [`Connector::stream`], for a stream that lasts. The first connection has to succeed.
    pub async fn lasting_stream(
        &self,
        request: StreamRequest,
    ) -> Result<LastingStream, ClientError> {
        let state = State::open(self.stream(request.clone()).await?);
        Ok(LastingStream { connector: self.clone(), request, state })
    }

    /// As [`Connector::events`], for events that last. The first connection has to succeed.
    pub async fn lasting_events(&self) -> Result<LastingEvents, ClientError> {
        let state = State::open(self.events().await?);
        Ok(LastingEvents { connector: self.clone(), state })
    }

    /// As [`Connector::publish`], for a camera that lasts. The first connection has to succeed.
    pub async fn lasting_publish(
        &self,
        request: PublishRequest,
    ) -> Result<LastingPublisher, ClientError> {
        let state = State::open(self.publish(request.clone()).await?);
        Ok(LastingPublisher { connector: self.clone(), request, state })
    }
}

impl LastingStream {
    /// What happens next. [`FrameStream::next`] says when it is safe to cancel.
    pub async fn next(&mut self) -> Result<Lasting<StreamEvent>, ClientError> {
        loop {
            match &mut self.state {
                State::Open(stream) => match stream.next().await {
                    Ok(event) => return Ok(Lasting::Came(event)),
                    Err(error) => return self.state.ended(error),
                },
                State::Gap(gap) => {
                    let (connector, request) = (&self.connector, &self.request);
                    let connect = async {
                        let mut stream = connector.stream(request.clone()).await?;
                        // A refusal comes after the handshake, in place of this.
                        let first = stream.next().await?;
                        Ok((stream, first))
                    };
                    if let Some((mut stream, first)) = gap.attempt(connect).await? {
                        let gap = gap.began.elapsed();
                        stream.put_back(first);
                        self.state = State::open(stream);
                        return Ok(Lasting::Reconnected { gap });
                    }
                }
            }
        }
    }
}

impl LastingEvents {
    /// What happens next. Safe to cancel.
    pub async fn next(&mut self) -> Result<Lasting<EventMessage>, ClientError> {
        loop {
            match &mut self.state {
                State::Open(events) => match events.next().await {
                    Ok(Some(event)) => return Ok(Lasting::Came(event)),
                    Ok(None) => return self.state.ended(ClientError::Closed),
                    Err(error) => return self.state.ended(error),
                },
                State::Gap(gap) => {
                    if let Some(events) = gap.attempt(self.connector.events()).await? {
                        let gap = gap.began.elapsed();
                        self.state = State::open(events);
                        return Ok(Lasting::Reconnected { gap });
                    }
                }
            }
        }
    }
}

impl LastingPublisher {
    /// The id of the camera that this program is; `None` while it is none.
    #[must_use]
    pub fn camera(&self) -> Option<&crate::CameraId> {
        match &self.state {
            State::Open(publisher) => Some(publisher.camera()),
            State::Gap(_) => None,
        }
    }

    /// What happens next. Credit that was given before a gap is void. Safe to cancel.
    pub async fn next(&mut self) -> Result<Lasting<PublishEvent>, ClientError> {
        loop {
            match &mut self.state {
                State::Open(publisher) => match publisher.next().await {
                    Ok(event) => return Ok(Lasting::Came(event)),
                    Err(error) => return self.state.ended(error),
                },
                State::Gap(gap) => {
                    let connect = self.connector.publish(self.request.clone());
                    if let Some(publisher) = gap.attempt(connect).await? {
                        let gap = gap.began.elapsed();
                        self.state = State::open(publisher);
                        return Ok(Lasting::Reconnected { gap });
                    }
                }
            }
        }
    }

    /// As [`Publisher::send`]. A frame that cannot be sent since the service has gone is lost,
    /// and what [`LastingPublisher::next`] gives next says so: `Some`.
    pub async fn send(
        &mut self,
        bytes: &[u8],
        unix_ns: Option<u64>,
    ) -> Result<Option<Lasting<PublishEvent>>, ClientError> {
        let State::Open(publisher) = &mut self.state else { return Ok(None) };
        match publisher.send(bytes, unix_ns).await {
            Ok(()) => Ok(None),
            Err(error) => self.state.ended(error).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorReply;

    fn reply(kind: ErrorKind) -> ClientError {
        ClientError::Reply(ErrorReply::new(kind, "x"))
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for passing in [
            ClientError::Closed,
            ClientError::NotRunning(String::new()),
            reply(ErrorKind::Stopping),
            reply(ErrorKind::Timeout),
        ] {
            assert!(is_passing(&passing), "{passing}");
        }
        for lasting in [
            reply(ErrorKind::Forbidden),
            reply(ErrorKind::Limit),
            reply(ErrorKind::NoSuchCamera),
            ClientError::ForeignService(String::new()),
            ClientError::Unexpected("x"),
        ] {
            assert!(!is_passing(&lasting), "{lasting}");
        }
    }

    #[test]
    fn a_camera_may_come_later_than_the_service_but_not_much() {
        let mut gap = Gap::new();
        for _ in 0..3 {
            gap.passes(reply(ErrorKind::NoSuchCamera)).expect("it may come");
        }
        gap.back = Instant::now().checked_sub(CAMERAS);
        // Gone once more, which begins anew.
        gap.passes(ClientError::Closed).expect("it may come");
        gap.passes(reply(ErrorKind::NoSuchCamera)).expect("it may come");
        gap.back = Instant::now().checked_sub(CAMERAS);
        assert!(gap.passes(reply(ErrorKind::NoSuchCamera)).is_err());
        assert!(Gap::new().passes(reply(ErrorKind::Forbidden)).is_err());
    }
}
