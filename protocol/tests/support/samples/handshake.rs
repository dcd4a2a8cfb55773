//! Who the client is, and what the service says to that.

use protocol::{ClientHello, ConnectionId, ErrorKind, Hello, Welcome};

use super::{Sample, camera, plain, special};

pub(crate) fn hello() -> Vec<Sample<Hello>> {
    vec![
        plain(Hello::Client(ClientHello { name: "grab.py".to_owned(), token: None, remote: None })),
        special(
            "bridged",
            Hello::Client(ClientHello {
                name: "Anna's phone".to_owned(),
                token: Some("a7f3".to_owned()),
                remote: Some("192.0.2.7".to_owned()),
            }),
        ),
        plain(Hello::Bridged(ClientHello {
            name: "camera-service bridge".to_owned(),
            token: Some("cst_a7f3".to_owned()),
            remote: Some("192.0.2.7".to_owned()),
        })),
    ]
}

pub(crate) fn welcome() -> Vec<Sample<Welcome>> {
    vec![
        plain(Welcome::Accepted {
            connection: ConnectionId(5),
            version: "0.1.0".to_owned(),
            pid: 1234,
        }),
        plain(Welcome::Refused(camera::error(ErrorKind::Forbidden, "the token has expired"))),
    ]
}
