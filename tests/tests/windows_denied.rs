//! A client into whose process the service may put nothing, as one is that runs with an
//! administrator's rights: its frames come inline.
//!
//! A program of its own: what is denied is denied to all that runs in it.
#![cfg(windows)]
#![allow(unsafe_code)]

use std::time::Duration;

use protocol::{
    Delivery, StreamRequest,
    client::{Connector, StreamEvent},
    endpoint::Endpoint,
    strip,
};
use tests::Service;
use windows::{
    Win32::{
        Security::{
            Authorization::{
                ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
            },
            DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SetKernelObjectSecurity,
        },
        System::Threading::GetCurrentProcess,
    },
    core::w,
};

/// Lets everybody do everything with this process but put handles into it and read its memory.
fn deny_handles() {
    let mut descriptor = PSECURITY_DESCRIPTOR::default();
    // SAFETY: the text lives as long as the program. What the call allocates is kept for as long
    // as the process lives.
    unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            w!("D:P(A;;0x1fffaf;;;WD)"),
            SDDL_REVISION_1,
            &raw mut descriptor,
            None,
        )
        .expect("a descriptor");
        SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, descriptor)
            .expect("a process may do so with itself");
    }
}

#[test]
fn frames_come_inline_and_the_start_says_so() {
    let service = Service::start();
    deny_handles();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let connector = Connector::new("denied").endpoint(Endpoint::at(service.socket()));
        let request = StreamRequest::native("test:0".into());
        assert_eq!(request.delivery, Delivery::Shared);
        let mut stream = connector.stream(request).await.expect("a stream");
        let limit = Duration::from_secs(60);
        let first = tokio::time::timeout(limit, stream.next()).await.expect("in time");
        let StreamEvent::Started(started) = first.expect("a start") else {
            panic!("a stream starts with what it gives");
        };
        assert_eq!(started.delivery, Delivery::Inline);
        for _ in 0..30 {
            let frame = tokio::time::timeout(limit, stream.next_frame()).await.expect("in time");
            let frame = frame.expect("a frame");
            strip::read_frame(frame.header(), &frame).expect("a strip");
        }
        let clients = service.json(&["clients"]);
        let all = clients.as_array().expect("a list");
        let this = all.iter().find(|client| client["name"] == "denied").expect("this one");
        assert_eq!(this["delivery"], "inline", "{this}");
    });
    assert!(service.log().contains("frames go inline"), "{}", service.log());
}
