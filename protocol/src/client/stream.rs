//! A stream of frames.

use std::{collections::HashMap, sync::Arc};

use super::{
    ClientError,
    connect::Opened,
    frame::{Frame, Releaser},
};
use crate::{
    ConnectionId, Delivery, FrameHeader, Mode, SlotId, Started, StreamCommand, StreamMessage,
    StreamRequest,
    mapping::Mapping,
    transport::{Object, Reader, Writer},
    wire::{MAX_INLINE_FRAME, MAX_MESSAGE},
};

/// Slots that a service has told of and not retired. A pool has 16, and two pools may overlap
/// while a mode changes.
const MAX_SLOTS: usize = 64;

/// What happens on a stream.
#[derive(Debug)]
pub enum StreamEvent {
    /// The stream is set up; frames follow.
    Started(Started),
    /// A frame.
    Frame(Frame),
    /// The camera's mode was changed.
    ModeChanged {
        /// What frames come in now.
        mode: Mode,
        /// The camera's own mode.
        native: Mode,
    },
    /// The camera is gone or does not deliver; frames resume when it is back.
    Lost {
        /// What happened.
        reason: String,
    },
    /// This client held a frame for too long and gets none until it has dropped all.
    Lagged,
    /// The user has turned all cameras off; frames resume when they are turned on.
    Blocked,
}

/// A connection with frames of one camera.
pub struct FrameStream {
    reader: Reader,
    /// Kept because the connection lives as long as both halves.
    _writer: Writer,
    releaser: Arc<Releaser>,
    /// Releases on their way out.
    outgoing: Vec<u8>,
    slots: HashMap<SlotId, Arc<Mapping>>,
    /// Looked at before, and to be given again.
    first: Option<StreamEvent>,
    id: ConnectionId,
}

impl FrameStream {
    pub(super) async fn start(opened: Opened, request: StreamRequest) -> Result<Self, ClientError> {
        let Opened { reader, mut writer, id, .. } = opened;
        writer.message(&StreamCommand::Open(request)).await?;
        let releaser = Arc::new(Releaser::new(writer.release_end()));
        Ok(Self {
            reader,
            _writer: writer,
            releaser,
            outgoing: Vec::new(),
            slots: HashMap::new(),
            first: None,
            id,
        })
    }

    /// Id of this connection, as in lists of clients.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// What happens next. Safe to cancel with shared delivery; with inline delivery a frame
    /// that was on its way may be lost with the connection's order, so drop the stream then.
    pub async fn next(&mut self) -> Result<StreamEvent, ClientError> {
        if let Some(event) = self.first.take() {
            return Ok(event);
        }
        loop {
            let message = tokio::select! {
                biased;
                message = self.reader.message::<StreamMessage>(MAX_MESSAGE) => message?,
                error = self.releaser.flush(&mut self.outgoing) => return Err(error.into()),
            };
            let Some(message) = message else { return Err(ClientError::Closed) };
            match message {
                StreamMessage::Started(started) => return Ok(StreamEvent::Started(started)),
                StreamMessage::Refused(error) | StreamMessage::Ended(error) => {
                    return Err(error.into());
                }
                StreamMessage::Slot { slot, length, handle } => self.map(slot, length, handle)?,
                StreamMessage::Frame { slot, header } => {
                    return self.mapped(slot, header).map(StreamEvent::Frame);
                }
                StreamMessage::InlineFrame { header } => {
                    return self.inline(header).await.map(StreamEvent::Frame);
                }
                StreamMessage::Retired { slot } => drop(self.slots.remove(&slot)),
                StreamMessage::ModeChanged { mode, native } => {
                    return Ok(StreamEvent::ModeChanged { mode, native });
                }
                StreamMessage::Lost { reason } => return Ok(StreamEvent::Lost { reason }),
                StreamMessage::Lagged => return Ok(StreamEvent::Lagged),
                StreamMessage::Blocked => return Ok(StreamEvent::Blocked),
            }
        }
    }

    /// The next frame, whatever happens in between. Safe to cancel as [`FrameStream::next`] is.
    pub async fn next_frame(&mut self) -> Result<Frame, ClientError> {
        loop {
            if let StreamEvent::Frame(frame) = self.next().await? {
                return Ok(frame);
            }
        }
    }

    /// Has `event` be what happens next.
    pub(super) fn put_back(&mut self, event: StreamEvent) {
        self.first = Some(event);
    }

    fn map(&mut self, slot: SlotId, length: u64, handle: u64) -> Result<(), ClientError> {
        let object = self.object(handle)?;
        if self.slots.len() >= MAX_SLOTS {
            return Err(ClientError::Unexpected("more slots than there can be"));
        }
        self.slots.insert(slot, Arc::new(Mapping::new(&object, length)?));
        Ok(())
    }

    #[cfg(unix)]
    fn object(&mut self, _handle: u64) -> Result<Object, ClientError> {
        self.reader.take_object().ok_or(ClientError::Unexpected("a slot without its memory"))
    }

    #[cfg(windows)]
    #[allow(unsafe_code)]
    fn object(&mut self, handle: u64) -> Result<std::mem::ManuallyDrop<Object>, ClientError> {
        use std::os::windows::io::FromRawHandle as _;
        if handle == 0 {
            return Err(ClientError::Unexpected("a slot without its memory"));
        }
        // SAFETY: the service, which the handshake found to be this user's, made this handle in
        // this process, and closes it when the slot is released: so it is not closed here.
        let object = unsafe { Object::from_raw_handle(handle as usize as *mut std::ffi::c_void) };
        Ok(std::mem::ManuallyDrop::new(object))
    }

    fn mapped(&self, slot: SlotId, header: FrameHeader) -> Result<Frame, ClientError> {
        let Some(mapping) = self.slots.get(&slot) else {
            return Err(ClientError::Unexpected("a frame in a slot that was not announced"));
        };
        if header.length as usize > mapping.len() {
            return Err(ClientError::Unexpected("a frame larger than its slot"));
        }
        Ok(Frame::mapped(header, mapping.clone(), slot, self.releaser.clone()))
    }

    async fn inline(&mut self, header: FrameHeader) -> Result<Frame, ClientError> {
        if header.length as usize > MAX_INLINE_FRAME {
            return Err(ClientError::Unexpected("a frame larger than the protocol allows"));
        }
        let mut bytes = vec![0; header.length as usize];
        self.reader.raw(&mut bytes).await?;
        Ok(Frame::inline(header, bytes))
    }
}

impl Started {
    /// Whether frames come through shared memory.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.delivery == Delivery::Shared
    }
}
