//! The webcam's controls, as UVC numbers them.

use std::collections::HashMap;

/// The controls by unit and selector. Unit 1 is the camera, 2 the processing unit.
pub struct Controls(HashMap<(u8, u8), Control>);

/// One control: its range, and its value as the host last set it.
struct Control {
    length: usize,
    min: i32,
    max: i32,
    step: i32,
    default: i32,
    current: i32,
}

impl Controls {
    /// All of them at their defaults.
    pub fn new() -> Self {
        // (unit, selector), bytes, min, max, step, default
        let all = [
            ((1, 0x02), 1, 1, 8, 0x09, 8), // auto exposure: the step is the set of modes
            ((1, 0x04), 4, 3, 2047, 1, 250), // exposure time
            ((1, 0x06), 2, 0, 250, 5, 0),  // focus
            ((1, 0x08), 1, 0, 1, 1, 1),    // auto focus
            ((1, 0x0b), 2, 100, 500, 1, 100), // zoom
            ((1, 0x0d), 8, -36000, 36000, 3600, 0), // pan and tilt, 32 bits each
            ((2, 0x01), 2, 0, 1, 1, 0),    // backlight compensation
            ((2, 0x02), 2, 0, 255, 1, 128), // brightness
            ((2, 0x03), 2, 0, 255, 1, 128), // contrast
            ((2, 0x04), 2, 0, 255, 1, 0),  // gain
            ((2, 0x05), 1, 0, 2, 1, 2),    // power line frequency
            ((2, 0x07), 2, 0, 255, 1, 128), // saturation
            ((2, 0x08), 2, 0, 255, 1, 128), // sharpness
            ((2, 0x0a), 2, 2000, 6500, 1, 4000), // white balance temperature
            ((2, 0x0b), 1, 0, 1, 1, 1),    // auto white balance
        ];
        let control = |(key, length, min, max, step, default)| {
            (key, Control { length, min, max, step, default, current: default })
        };
        Self(all.into_iter().map(control).collect())
    }

    /// The answer to one of the GET requests; `None` refuses it.
    pub fn get(&self, key: (u8, u8), request: u8) -> Option<Vec<u8>> {
        let control = self.0.get(&key)?;
        let value = match request {
            0x81 => control.current,
            0x82 => control.min,
            0x83 => control.max,
            0x84 => control.step,
            0x87 => control.default,
            0x85 => return Some((control.length as u16).to_le_bytes().to_vec()),
            0x86 => return Some(vec![3]), // it can be read and set
            _ => return None,
        };
        let bytes = value.to_le_bytes();
        Some(match control.length {
            8 => [bytes, bytes].concat(),
            length => bytes[..length].to_vec(),
        })
    }

    /// Sets a control; `None` refuses it.
    pub fn set(&mut self, key: (u8, u8), data: &[u8]) -> Option<()> {
        let control = self.0.get_mut(&key)?;
        let length = control.length.min(4).min(data.len());
        let mut bytes = [0; 4];
        bytes[..length].copy_from_slice(&data[..length]);
        let value = i32::from_le_bytes(bytes);
        if !(control.min..=control.max).contains(&value) {
            return None;
        }
        control.current = value;
        Some(())
    }
}
