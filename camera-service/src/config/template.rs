//! The configuration as a file with an explanation of every key.

use std::{fmt::Write as _, time::Duration};

use protocol::FrameRate;

use super::{Bridge, Config, Limits, Loopback, TestCamera, Timeouts};

/// `config` as the text of a file: every key with its value and what it is for. Reading it gives
/// `config` again; of [`Config::default`] it is the file to start from.
#[must_use]
pub fn documented(config: &Config) -> String {
    // Taken apart, so that a field cannot be forgotten here.
    let Config { timeouts, limits, test_cameras, bridge, loopbacks } = config;
    let Timeouts {
        close_after,
        stall_after,
        open_within,
        close_within,
        retry_first,
        retry_most,
        handshake,
        request,
    } = timeouts;
    let Limits { connections } = limits;

    let mut text = String::from(
        "# Configuration of camera-service. Whatever is left out has the value shown here by\n\
         # `camera-service config init`. Unknown keys are errors.\n\n\
         # How long things may take, in seconds; fractions are allowed.\n[timeouts]\n",
    );
    let mut time = |key: &str, value: &Duration, what: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {what}\n{key} = {}\n", value.as_secs_f64());
    };
    time("close_after", close_after, "A camera is closed so long after its last stream has ended.");
    time("stall_after", stall_after, "A camera that delivers nothing for so long is opened again.");
    time("open_within", open_within, "A device that takes longer to open is stuck.");
    time("close_within", close_within, "A device that takes longer to close is stuck.");
    time("retry_first", retry_first, "Wait before a camera that failed is tried again, …");
    time("retry_most", retry_most, "… doubling with every failure up to this.");
    time("handshake", handshake, "A connection that has not said who it is by then is closed.");
    time("request", request, "A request that names no deadline of its own gets this one.");

    let cameras: Vec<String> = test_cameras.iter().map(TestCamera::to_string).collect();
    let _ = write!(
        text,
        "# How much there may be.\n[limits]\n# Connections at once, 1 to 65536.\n\
         connections = {connections}\n\n\
         [cameras]\n# Test cameras that are there from the start, each with size and frame rate:\n\
         # test_cameras = [\"640x480@30\", \"1280x720@60\"]\n\
         test_cameras = {cameras:?}\n\n"
    );
    write_bridge(&mut text, bridge);
    text.push_str(
        "# Cameras for programs that know only /dev/video*, each written into a device of the\n\
         # v4l2loopback module for as long as the service runs; the camera opens when somebody\n\
         # reads the device. Of these, camera and device are needed.\n\
         # [[loopback]]\n\
         # camera = \"test:0\"          # as `camera-service list` shows it\n\
         # device = \"/dev/video10\"\n\
         # format = \"yuyv\"            # or mjpg, i420, nv12\n\
         # size = \"1280x720\"          # left out: what the camera has up to 1280x720\n\
         # fps = 30\n",
    );
    for loopback in loopbacks {
        write_loopback(&mut text, loopback);
    }
    text
}

fn write_bridge(text: &mut String, bridge: &Bridge) {
    let Bridge {
        enabled,
        listen,
        tls,
        allowed_hosts,
        open_watch,
        connections,
        connections_per_address,
    } = bridge;
    let tls = toml::Value::from(tls.to_string());
    let hosts = toml::Value::from(allowed_hosts.clone());
    let _ = write!(
        text,
        "# Cameras for browsers and other machines. Everybody needs a token, which\n\
         # `camera-service token add` makes.\n[bridge]\n\
         # Whether the service keeps the bridge running.\nenabled = {enabled}\n\n\
         # Where it listens. Any address but loopback needs tls.\nlisten = \"{listen}\"\n\n\
         # off, self (a certificate that is made and kept), or two PEM files as \"CERT,KEY\".\n\
         tls = {tls}\n\n\
         # Names by which browsers may call it, beside this machine's own names and addresses.\n\
         allowed_hosts = {hosts}\n\n\
         # Whether anybody on this machine may watch without a token; on loopback only.\n\
         open_watch = {open_watch}\n\n\
         # Connections at once, and from one address; each 1 to 65536.\n\
         connections = {connections}\n\
         connections_per_address = {connections_per_address}\n\n"
    );
}

fn write_loopback(text: &mut String, loopback: &Loopback) {
    let Loopback { camera, device, format, size, fps } = loopback;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let device = device.to_string_lossy();
    let (camera, device) = (quoted(camera), quoted(&device));
    let format = format.to_string().to_lowercase();
    let _ = writeln!(
        text,
        "\n[[loopback]]\ncamera = {camera}\ndevice = {device}\nformat = \"{format}\""
    );
    if let Some(size) = size {
        let _ = writeln!(text, "size = \"{size}\"");
    }
    if let Some(FrameRate { numerator, denominator }) = fps {
        let _ = writeln!(text, "fps = \"{numerator}/{denominator}\"");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(text, Path::new("config.toml")).expect("the template is valid")
    }

    #[test]
    fn the_default_text_is_exactly_the_default() {
        let text = documented(&Config::default());
        assert_eq!(parse(&text), Config::default());
        // Every key is written out: were one missing, its default would stand in for it unseen.
        let table: toml::Table = text.parse().expect("TOML");
        let keys = |section: &str| table[section].as_table().map(|keys| keys.len());
        assert_eq!(
            (keys("timeouts"), keys("limits"), keys("cameras"), keys("bridge")),
            (Some(8), Some(1), Some(1), Some(7))
        );
    }

    #[test]
    fn no_value_is_mixed_up_or_lost() {
        let second = Duration::from_secs(1);
        let config = Config {
            timeouts: Timeouts {
                close_after: second * 11,
                stall_after: second * 12,
                open_within: second * 13,
                close_within: second * 14,
                retry_first: Duration::from_millis(1),
                retry_most: second * 16,
                handshake: second * 86_400,
                request: Duration::from_micros(1_234_567),
            },
            limits: Limits { connections: 65_536 },
            test_cameras: ["80x24@1", "640x480@30000/1001"]
                .iter()
                .map(|text| text.parse().expect("valid"))
                .collect(),
            bridge: Bridge {
                enabled: true,
                listen: "[::]:8443".parse().expect("an address"),
                tls: super::super::Tls::Files {
                    certificate: "a \"b\".pem".into(),
                    key: "k".into(),
                },
                allowed_hosts: vec!["one.example".to_owned(), "two.example".to_owned()],
                open_watch: true,
                connections: 7,
                connections_per_address: 6,
            },
            loopbacks: vec![
                Loopback {
                    camera: "a \"strange\" name\\".to_owned(),
                    device: "/dev/video10".into(),
                    format: protocol::PixelFormat::Nv12,
                    size: Some(protocol::Size::new(640, 360)),
                    fps: Some(FrameRate::new(30_000, 1001)),
                },
                Loopback {
                    camera: "test:0".to_owned(),
                    device: "/dev/video11".into(),
                    format: protocol::PixelFormat::Yuyv,
                    size: None,
                    fps: None,
                },
            ],
        };
        assert_eq!(parse(&documented(&config)), config);
    }
}
