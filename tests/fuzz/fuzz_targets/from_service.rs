#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::connection::from_service(input));
