//! What the webcam says it is: its USB and UVC descriptors.

use crate::negotiation::{DEFAULT_INTERVAL, INTERVALS, MJPG, SIZES, YUY2, raw_length};

/// Vendor and product 1209:0001 (for tests), class "miscellaneous", with interface associations.
pub const DEVICE: [u8; 18] = [18, 1, 0, 2, 0xef, 2, 1, 64, 0x09, 0x12, 0x01, 0, 0, 1, 1, 2, 3, 1];
/// The languages of strings: US English.
pub const LANGUAGES: [u8; 4] = [4, 3, 9, 4];

/// The configuration with everything in it.
pub fn configuration() -> Vec<u8> {
    let mut all = vec![9, 2, 0, 0, 2, 1, 0, 0x80, 250];
    all.extend([8, 0x0b, 0, 2, 0x0e, 3, 0, 2]); // both interfaces are one function
    all.extend([9, 4, 0, 0, 0, 0x0e, 1, 0, 2]); // interface 0: control
    all.extend(control_interface());
    all.extend([9, 4, 1, 0, 1, 0x0e, 2, 0, 0]); // interface 1: streaming
    all.extend(streaming_interface());
    all.extend([7, 5, 0x81, 2, 0x00, 0x02, 0]); // its bulk endpoint, 512 bytes a packet
    let length = (all.len() as u16).to_le_bytes();
    all[2..4].copy_from_slice(&length);
    all
}

fn control_interface() -> Vec<u8> {
    let mut units = vec![];
    // 1: the camera; 2: the processing unit; 3: the output. The masks name the controls.
    units.extend([18, 0x24, 2, 1, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x2a, 0x0a, 0x02]);
    units.extend([12, 0x24, 5, 2, 1, 0, 0, 2, 0x5b, 0x17, 0, 0]);
    units.extend([9, 0x24, 3, 3, 0x01, 0x01, 0, 2, 0]);
    let mut all = vec![13, 0x24, 1, 0x10, 0x01]; // UVC 1.10
    all.extend((13 + units.len() as u16).to_le_bytes());
    all.extend(1_000_000u32.to_le_bytes());
    all.extend([1, 1]);
    all.extend(units);
    all
}

fn streaming_interface() -> Vec<u8> {
    let colour = [6, 0x24, 0x0d, 1, 1, 4];
    let mut formats = vec![11, 0x24, 6, MJPG, SIZES.len() as u8, 0, 2, 0, 0, 0, 0];
    add_frames(&mut formats, 7);
    formats.extend(colour);
    formats.extend([27, 0x24, 4, YUY2, SIZES.len() as u8]);
    formats.extend(b"YUY2\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    formats.extend([16, 2, 0, 0, 0, 0]);
    add_frames(&mut formats, 5);
    formats.extend(colour);
    let mut all = vec![15, 0x24, 1, 2];
    all.extend((15 + formats.len() as u16).to_le_bytes());
    all.extend([0x81, 0, 3, 0, 0, 0, 1, 0, 0]);
    all.extend(formats);
    all
}

fn add_frames(all: &mut Vec<u8>, subtype: u8) {
    for (index, size) in (1..).zip(SIZES) {
        let length = raw_length(size);
        all.extend([26 + 4 * INTERVALS.len() as u8, 0x24, subtype, index, 0]);
        all.extend(size.0.to_le_bytes());
        all.extend(size.1.to_le_bytes());
        all.extend((length * 8).to_le_bytes());
        all.extend((length * 8 * 60).to_le_bytes());
        all.extend(length.to_le_bytes());
        all.extend(DEFAULT_INTERVAL.to_le_bytes());
        all.push(INTERVALS.len() as u8);
        all.extend(INTERVALS.into_iter().flat_map(u32::to_le_bytes));
    }
}

/// A string, such as the product's name.
pub fn string(text: &str) -> Vec<u8> {
    let mut all = vec![0, 3];
    all.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    all[0] = all.len() as u8;
    all
}
