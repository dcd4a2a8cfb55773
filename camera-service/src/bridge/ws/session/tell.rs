//! What a viewer is told: events, what changes with its streams, frames.

use std::time::Instant;

use protocol::{ErrorKind, ErrorReply, Event as ServiceEvent};

use super::{
    COUNT, Open, Session,
    end::{End, code, ended},
};
use crate::{
    bridge::{
        metrics::Way,
        ws::{
            frames::News,
            message::{Event, Mask, Outgoing, event, opened, response},
        },
    },
    json::EventJson,
};

impl Session<'_> {
    /// An event of the service.
    pub(super) fn event(&mut self, happened: &ServiceEvent) -> Result<(), End> {
        let mask = match happened {
            ServiceEvent::Ended(reason) => return Err(ended(Some(reason.clone()))),
            ServiceEvent::Stopping => return Err(ended(None)),
            ServiceEvent::Lagged => {
                let message = "events were not read as fast as they came";
                let error = ErrorReply::new(ErrorKind::Limit, message);
                return Err(End::Say(code::TOO_SLOW, error));
            }
            ServiceEvent::State(_) => None,
            ServiceEvent::CameraAdded(_)
            | ServiceEvent::CameraChanged(_)
            | ServiceEvent::CameraRemoved { .. } => Some(Mask::Cameras),
            ServiceEvent::ControlChanged { .. } => Some(Mask::Controls),
            ServiceEvent::ClientChanged(_)
            | ServiceEvent::ClientRemoved { .. }
            | ServiceEvent::NewWatcher { .. } => Some(Mask::Clients),
            ServiceEvent::PrivacyChanged { .. } => Some(Mask::Privacy),
            ServiceEvent::PresetsChanged { .. } | ServiceEvent::PinsChanged { .. } => {
                Some(Mask::Presets)
            }
            ServiceEvent::ConfigReloaded
            | ServiceEvent::ConfigRefused { .. }
            | ServiceEvent::BridgeChanged(_)
            | ServiceEvent::TokensChanged { .. } => Some(Mask::Bridge),
        };
        let wanted = match (mask, &self.mask) {
            (Some(kind), Some(wanted)) => wanted.contains(&kind),
            _ => true,
        };
        if wanted {
            self.pipe.text(event(&EventJson::from(happened)))?;
        }
        Ok(())
    }

    /// Tells what has changed with streams.
    pub(super) fn tell_news(&mut self) -> Result<(), End> {
        let mut gone = Vec::new();
        for (&id, open) in &mut self.streams {
            while let Some(news) = open.stream.news() {
                let rung = open.stream.rung();
                let text = match (news, open.request.take()) {
                    (News::Live { mode, native, .. }, Some(request)) => {
                        let modes = Some((mode, native));
                        response(&request, &Ok(opened(id, open.stream.camera(), modes)))
                    }
                    (News::Ended(error), Some(request)) => {
                        gone.push(id);
                        response(&request, &Err(error))
                    }
                    (news, request) => {
                        if let Some(request) = request {
                            let result = Ok(opened(id, open.stream.camera(), None));
                            self.pipe.text(response(&request, &result))?;
                        }
                        let event = match &news {
                            News::Live { mode, native, reason } => {
                                let (mode, native) = ((*mode).into(), (*native).into());
                                Event::StreamChanged { stream: id, rung, mode, native, reason }
                            }
                            News::Lost(reason) => Event::StreamLost { stream: id, reason },
                            News::Blocked => Event::StreamBlocked { stream: id },
                            News::Ended(error) => {
                                gone.push(id);
                                Event::StreamEnded { stream: id, error }
                            }
                        };
                        Outgoing::Event(event).text()
                    }
                };
                self.pipe.text(text)?;
            }
        }
        for id in gone {
            self.streams.remove(&id);
            self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).dec();
        }
        Ok(())
    }

    /// Puts a frame in line if there is room and credit for one.
    pub(super) fn send_frame(&mut self) {
        if !self.pipe.takes_frame() {
            return;
        }
        let ready = |(_, open): &(&u32, &Open)| open.request.is_none() && open.stream.is_ready();
        let after = self.streams.range(self.turn + 1..).find(ready);
        let next = after.or_else(|| self.streams.range(..=self.turn).find(ready));
        let Some(id) = next.map(|(id, _)| *id) else { return };
        self.turn = id;
        let Some(open) = self.streams.get_mut(&id) else { return };
        let now = Instant::now();
        let Some((header, image, dropped)) = open.stream.frame(now) else { return };
        self.sent.frame(image.len(), dropped);
        self.counted.frames += 1;
        self.counted.dropped += dropped;
        self.counted.next.get_or_insert(now + COUNT);
        self.pipe.frame(header, image);
    }
}
