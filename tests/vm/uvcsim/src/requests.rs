//! Transfers on the control endpoint: descriptors, negotiation, controls.

use crate::{
    controls::Controls,
    descriptors,
    negotiation::{self, Choice, PROBE},
    state::State,
};

const MANUFACTURER: &str = "vm-camera";
const SERIAL: &str = "0001";

/// Answers one control transfer: the bytes for the host, or `None`, which refuses it.
pub fn answer(
    setup: [u8; 8],
    data: &[u8],
    product: &str,
    controls: &mut Controls,
    state: &State,
) -> Option<Vec<u8>> {
    let [kind, request, value_low, value, index, unit, ..] = setup;
    // Of the class requests, those to interface 1 negotiate, those to 0 are for a unit.
    let streaming = index == 1;
    match (kind, request) {
        (0x80, 6) => match (value, value_low) {
            (1, _) => Some(descriptors::DEVICE.to_vec()),
            (2, _) => Some(descriptors::configuration()),
            (3, 0) => Some(descriptors::LANGUAGES.to_vec()),
            (3, 1) => Some(descriptors::string(MANUFACTURER)),
            (3, 2) => Some(descriptors::string(product)),
            (3, _) => Some(descriptors::string(SERIAL)),
            _ => None,
        },
        (0x80..=0x82, 0) => Some(vec![0, 0]), // status
        (0x80, 8) => Some(vec![1]),           // the configuration in force
        (0x81, 10) => Some(vec![0]),          // the interface's alternate setting
        (0x02, 1) => {
            // With a bulk endpoint, the host's clearing of a halt is the end of a stream.
            state.change(|shared| shared.streaming = None);
            Some(vec![])
        }
        (0x00..=0x02, _) => Some(vec![]),
        (0xa1, _) if streaming => Some(match request {
            0x85 => (PROBE as u16).to_le_bytes().to_vec(),
            0x86 => vec![3],
            0x81 => state.lock().probe.clone(),
            0x82 => negotiation::default_probe(),
            _ => negotiation::settle(&state.lock().probe),
        }),
        (0x21, 1) if streaming => {
            let commit = value == 2;
            state.change(|shared| {
                shared.probe = negotiation::settle(data);
                if commit {
                    shared.streams += 1;
                    shared.streaming = Some(Choice::of(&shared.probe, shared.streams));
                }
            });
            Some(vec![])
        }
        (0xa1, _) => controls.get((unit, value), request),
        (0x21, 1) => controls.set((unit, value), data).map(|()| vec![]),
        _ => None,
    }
}
