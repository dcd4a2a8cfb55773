//! The files in `golden/` pin the bytes of every message, and these tests hold messages, files
//! and `docs/protocol.md` together.
//!
//! Within a major version a line there never changes. After a new variant was given a sample,
//! `GOLDEN_WRITE=1 cargo test -p protocol --test golden` adds its line; look at the difference.

mod support;

use std::{
    collections::BTreeSet,
    fmt::{Debug, Write as _},
    fs,
};

use protocol::{ControlValue, FourCc, PixelFormat, Preamble, Role, StreamFormat, Verdict, wire};
use serde::{Serialize, de::DeserializeOwned};

use support::{
    fields::fields,
    files, samples,
    samples::Sample,
    variants::{ENUMS, Values, Variants},
};

/// Bytes under a name, and what they mean.
struct Entry {
    name: String,
    fields: Vec<Vec<u8>>,
    meaning: String,
}

/// Compares a golden file with what it should hold; writes it instead if that was asked for.
fn compare(file: &str, entries: &[Entry]) {
    if std::env::var_os("GOLDEN_WRITE").is_some_and(|value| value == "1") {
        fs::write(files::path(file), render(entries)).expect("golden files can be written");
    }
    let golden = files::read(file);
    let names = |entries: Vec<&String>| entries.into_iter().cloned().collect::<BTreeSet<_>>();
    let there = names(golden.iter().map(|(name, _)| name).collect());
    let wanted = names(entries.iter().map(|entry| &entry.name).collect());
    assert_eq!(entries.len(), wanted.len(), "{file}: two samples have the same name");
    let missing: Vec<_> = wanted.difference(&there).collect();
    let surplus: Vec<_> = there.difference(&wanted).collect();
    assert!(missing.is_empty(), "{file}: no golden entry for {missing:?}");
    assert!(surplus.is_empty(), "{file}: golden entries without a sample: {surplus:?}");
    for (entry, (name, bytes)) in entries.iter().zip(&golden) {
        assert_eq!(&entry.name, name, "{file}: entries stand in another order than samples");
        assert!(
            entry.fields.concat() == *bytes,
            "{file}: {name} has changed; within a major version it never may\n  now    {}\n  golden {}\n  {}",
            digits(&entry.fields.concat()),
            digits(bytes),
            entry.meaning,
        );
    }
    let text = fs::read_to_string(files::path(file)).expect("it was read before");
    assert!(text == render(entries), "{file}: bytes are right, comments or spaces are not");
}

fn render(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        if !entry.meaning.is_empty() {
            writeln!(text, "# {}", entry.meaning).expect("text can be written to a string");
        }
        writeln!(text, "{}: {}", entry.name, hex(&entry.fields))
            .expect("text can be written to a string");
    }
    text
}

fn hex(fields: &[Vec<u8>]) -> String {
    fields.iter().map(|bytes| digits(bytes)).collect::<Vec<String>>().join(" ")
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encodes and decodes every sample, sees that every variant has one under its tag, and compares
/// the file. `part` is the enum in a message; a reply that failed has none and is called `error`.
fn check<T, E>(file: &str, samples: Vec<Sample<T>>, part: impl Fn(&T) -> Option<&E>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    E: Serialize + Variants,
{
    for variant in E::VARIANTS {
        assert!(
            samples
                .iter()
                .filter_map(|(_, message)| part(message))
                .any(|e| e.variant() == *variant),
            "{file}: no sample of {}::{variant}",
            E::NAME
        );
    }
    let entries: Vec<Entry> = samples
        .into_iter()
        .map(|(name, message)| {
            let variant = name.split('/').next().expect("a name has a first part");
            let part = part(&message);
            assert_eq!(variant, part.map_or("error", E::variant), "{file}: {name} is another");
            part.inspect(|part| assert_tag(*part));
            let bytes = wire::encode(&message).expect("samples are short");
            let mut fields = fields(&message);
            let length = u32::try_from(fields.concat().len()).expect("samples are short");
            fields.insert(0, length.to_le_bytes().to_vec());
            assert_eq!(digits(&fields.concat()), digits(&bytes), "{file}: {name}");
            let decoded: T = wire::decode(&bytes[4..])
                .unwrap_or_else(|error| panic!("{file}: {name} does not decode: {error}"));
            assert_eq!(decoded, message, "{file}: {name} decodes to something else");
            Entry { name, fields, meaning: format!("{message:?}") }
        })
        .collect();
    compare(file, &entries);
}

/// The first field of an enum is its tag, and that is its place in [`Variants::VARIANTS`].
fn assert_tag<E: Serialize + Variants>(part: &E) {
    let place = E::VARIANTS.iter().position(|variant| *variant == part.variant());
    let place = u32::try_from(place.expect("a variant stands in the list of its enum"));
    let tag = place.expect("enums are short").to_le_bytes();
    assert_eq!(fields(part)[0], tag, "{}::{} has another tag", E::NAME, part.variant());
}

/// The part of a message that is an enum itself.
fn whole<T>(message: &T) -> Option<&T> {
    Some(message)
}

#[test]
fn hello() {
    check("hello", samples::hello(), whole);
}

#[test]
fn welcome() {
    check("welcome", samples::welcome(), whole);
}

#[test]
fn request() {
    check("request", samples::request(), |message| Some(&message.request));
}

#[test]
fn reply() {
    check("reply", samples::reply(), |message| message.result.as_ref().ok());
    assert!(samples::reply().iter().any(|(_, reply)| reply.result.is_err()));
}

#[test]
fn event() {
    check("event", samples::event(), |message| Some(&message.event));
}

#[test]
fn stream_command() {
    check("stream_command", samples::stream_command(), whole);
}

#[test]
fn stream_message() {
    check("stream_message", samples::stream_message(), whole);
}

#[test]
fn publish_command() {
    check("publish_command", samples::publish_command(), whole);
}

#[test]
fn publish_message() {
    check("publish_message", samples::publish_message(), whole);
}

/// Entries of one enum that is a field of messages: each value's bytes, without a length.
fn values<T>(values: &[T]) -> Vec<Entry>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + Variants,
{
    for variant in T::VARIANTS {
        assert!(
            values.iter().any(|value| value.variant() == *variant),
            "no value of {}::{variant}",
            T::NAME
        );
    }
    values
        .iter()
        .map(|value| {
            assert_tag(value);
            let body = wire::encode(value).expect("values are short").split_off(4);
            let fields = fields(value);
            assert_eq!(digits(&fields.concat()), digits(&body), "{value:?}");
            assert_eq!(wire::decode::<T>(&body).expect("it was just encoded"), *value);
            let name = format!("{}::{}", T::NAME, value.variant());
            let shown = format!("{value:?}");
            let meaning = if shown == value.variant() { String::new() } else { shown };
            Entry { name, fields, meaning }
        })
        .collect()
}

#[test]
fn parts_of_messages() {
    let entries = [
        values(Role::VALUES),
        values(protocol::CameraState::VALUES),
        values(protocol::ControlKind::VALUES),
        values(protocol::Delivery::VALUES),
        values(protocol::Rotation::VALUES),
        values(protocol::Matrix::VALUES),
        values(protocol::Range::VALUES),
        values(protocol::ErrorKind::VALUES),
        values(&[
            ControlValue::None,
            ControlValue::Integer(-2),
            ControlValue::Boolean(true),
            ControlValue::String("50 Hz".to_owned()),
            ControlValue::Bytes(vec![0xca, 0xfe]),
        ]),
        values(&[
            PixelFormat::Mjpg,
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::I420,
            PixelFormat::Grey,
            PixelFormat::Rgb,
            PixelFormat::Bgr,
            PixelFormat::Rgba,
            PixelFormat::Other(FourCc(*b"H264")),
        ]),
        values(&[StreamFormat::Native, StreamFormat::Pixels(PixelFormat::I420)]),
        values(protocol::Scope::VALUES),
    ];
    compare("values", &entries.into_iter().flatten().collect::<Vec<_>>());
}

/// The fields of a preamble: magic, major, minor, role or verdict, zeros.
fn preamble(name: String, meaning: String, bytes: [u8; 16]) -> Entry {
    let fields = [0..8, 8..10, 10..12, 12..13, 13..16].map(|range| bytes[range].to_vec()).into();
    Entry { name, fields, meaning }
}

#[test]
fn preambles() {
    let mut entries = Vec::new();
    for (role, byte) in Role::VALUES.iter().zip(0..) {
        let first = Preamble::new(*role);
        let bytes = first.to_bytes();
        assert_eq!(bytes[12], byte);
        assert_eq!(Preamble::<Role>::from_bytes(&bytes), Ok(first));
        entries.push(preamble(format!("client/{}", role.variant()), format!("{first:?}"), bytes));
    }
    for (verdict, byte) in Verdict::VALUES.iter().zip(0..) {
        let answer = Preamble::new(*verdict);
        let bytes = answer.to_bytes();
        assert_eq!(bytes[12], byte);
        assert_eq!(Preamble::<Verdict>::from_bytes(&bytes), Ok(answer));
        let name = format!("service/{}", verdict.variant());
        entries.push(preamble(name, format!("{answer:?}"), bytes));
    }
    compare("preamble", &entries);
}

/// A variant that stood twice in its list would hide that another is missing.
#[test]
fn every_variant_stands_once_in_its_list() {
    for (name, variants) in ENUMS {
        let distinct: BTreeSet<_> = variants.iter().collect();
        assert_eq!(distinct.len(), variants.len(), "{name}");
    }
}
