//! The variants of every enum that travels, in the order of their tags.
//!
//! Each list also makes a `match` without a wildcard: a new variant does not compile until it
//! stands here, and then wants a sample, a golden entry and a row in `docs/protocol.md`.

use protocol::{
    CameraState, ControlKind, ControlValue, Delivery, ErrorKind, Event, Hello, Matrix, PixelFormat,
    PublishCommand, PublishMessage, Range, Reply, Request, Role, Rotation, Scope, StreamCommand,
    StreamFormat, StreamMessage, Verdict, Welcome,
};

/// An enum that travels.
pub(crate) trait Variants {
    /// Its name.
    const NAME: &'static str;
    /// Its variants; the place of each is its tag.
    const VARIANTS: &'static [&'static str];
    /// The variant that a value is.
    fn variant(&self) -> &'static str;
}

/// An enum whose variants have no fields.
pub(crate) trait Values: Variants + Sized + 'static {
    /// All its values, in the order of their tags.
    const VALUES: &'static [Self];
}

macro_rules! variants {
    (
        with_fields { $($name:ident { $($variant:ident),+ $(,)? })+ }
        plain { $($plain:ident { $($value:ident),+ $(,)? })+ }
    ) => {
        $(variants!(@one $name { $($variant),+ });)+
        $(variants!(@one $plain { $($value),+ });)+

        $(impl Values for $plain {
            const VALUES: &'static [Self] = &[$(Self::$value),+];
        })+

        /// Every enum with its variants.
        pub(crate) const ENUMS: &[(&str, &[&str])] = &[
            $(($name::NAME, $name::VARIANTS),)+
            $(($plain::NAME, $plain::VARIANTS),)+
        ];
    };
    (@one $name:ident { $($variant:ident),+ }) => {
        impl Variants for $name {
            const NAME: &'static str = stringify!($name);
            const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),+];

            fn variant(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant),)+
                }
            }
        }
    };
}

variants! {
    with_fields {
        Hello { Client, Bridged }
        Welcome { Accepted, Refused }
        Request {
            ListCameras, DescribeCamera, Status, ListClients, StartCamera, StopCamera,
            ListControls, GetControls, SetControls, ResetControls, RenameCamera, ListPresets,
            SavePreset, ApplyPreset, RenamePreset, DeletePreset, ListPins, PinControls,
            UnpinControls, SetPrivacy, Disconnect, AddTestCamera, RemoveTestCamera,
            ReloadConfig, Shutdown, ListTokens, AddToken, RevokeToken, BridgeStatus, SetBridge,
            WhoAmI, RedeemInvitation, Watch, Unwatch, CountFrames, BridgeListening,
        }
        Reply {
            Done, Cameras, Camera, Status, Clients, Started, Controls, Outcomes, Presets, Pins,
            Tokens, TokenAdded, Bridge, Grant, Watching,
        }
        Event {
            State, CameraAdded, CameraChanged, CameraRemoved, ControlChanged, ClientChanged,
            ClientRemoved, NewWatcher, PrivacyChanged, PresetsChanged, PinsChanged,
            ConfigReloaded, ConfigRefused, Lagged, Stopping, Ended, BridgeChanged, TokensChanged,
        }
        StreamCommand { Open, Release }
        StreamMessage {
            Started, Refused, Slot, Frame, InlineFrame, Retired, ModeChanged, Lost, Lagged,
            Blocked, Ended,
        }
        PublishCommand { Open, Frame }
        PublishMessage { Accepted, Refused, Demand, Ended }
        ControlValue { None, Integer, Boolean, String, Bytes }
        PixelFormat { Mjpg, Yuyv, Nv12, I420, Grey, Rgb, Bgr, Rgba, Other }
        StreamFormat { Native, Pixels }
    }
    plain {
        Scope { Watch, Control, Publish }
        Role { Control, Events, Stream, Publish }
        Verdict {
            Accepted, VersionDiffers, TooManyConnections, NotPermitted, NotUnderstood,
        }
        CameraState { Closed, Opening, Streaming, Stalled, Lost, Stuck, Blocked }
        ControlKind { Integer, Boolean, Menu, Button, String, Bitmask, Compound }
        Delivery { Shared, Inline }
        Rotation { None, Quarter, Half, ThreeQuarters }
        Matrix { Bt601, Bt709 }
        Range { Limited, Full }
        ErrorKind {
            NoSuchCamera, NoSuchControl, NoSuchClient, NoSuchPreset, Invalid, OutOfRange,
            ReadOnly, WrongType, UnsupportedMode, Busy, Permission, Lost, Blocked, Timeout,
            Limit, Forbidden, Unsupported, NameTaken, Stopping, Device, Storage,
            Protocol, Internal,
        }
    }
}
