"""Compares what docs/examples/grab.py writes and reads with the golden files.

Usage: check_grab.py EXAMPLES GOLDEN, the two folders.
"""

import pathlib
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import grab  # noqa: E402

GOLDEN = pathlib.Path(sys.argv[2])
CAMERA = "usb-Logitech_C920_1234ABCD"


def golden(file):
    """Names and bytes of the entries of a file."""
    lines = (GOLDEN / f"{file}.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(": ")[::2] for line in lines if line and not line.startswith("#")]
    return {name: bytes.fromhex(digits) for name, digits in pairs}


def request(name, body):
    (number,) = struct.unpack_from("<Q", golden("request")[name], 4)
    return grab.message(grab.request_message(number, body))


def written():
    settings = [
        ("brightness", -12),
        ("auto_focus", False),
        ("power_line_frequency", "50 Hz"),
        ("lens_table", b"\x00\x7f\xff"),
        ("calibrate", None),
    ]
    names = ["brightness", "focus_absolute"]
    native = grab.stream_open("test:0", None, None, None, grab.SHARED)
    jpeg = grab.stream_open("test:0", grab.FORMATS["jpeg"], None, None, grab.INLINE)
    yield "preamble", "client/Control", grab.preamble(grab.ROLES["control"])
    yield "preamble", "client/Stream", grab.preamble(grab.ROLES["stream"])
    yield "hello", "Client", grab.message(grab.hello("grab.py"))
    for name, body in [
        ("ListCameras", grab.list_cameras()),
        ("ListControls", grab.list_controls(CAMERA)),
        ("GetControls", grab.get_controls(CAMERA, names)),
        ("SetControls", grab.set_controls(CAMERA, settings)),
    ]:
        yield "request", name, request(name, body)
    yield "stream_command", "Open", grab.message(native)
    yield "stream_command", "Open/jpeg_inline", grab.message(jpeg)
    yield "stream_command", "Release", grab.message(grab.stream_release(3))


def read():
    replies = {
        name: grab.read_reply(grab.Body(data[4:]))[1]
        for name, data in golden("reply").items()
        if name in ("Done", "Cameras", "Controls", "Outcomes", "error")
    }
    assert len(replies) == 5, replies.keys()
    assert [camera["id"] for camera in replies["Cameras"]] == [CAMERA, "test:0"]
    assert replies["Cameras"][0]["mode"] == "MJPG 1280x720 30 fps"
    assert [control["kind"] for control in replies["Controls"]] == list(range(len(grab.KINDS)))
    assert replies["Controls"][2]["menu"] == [(0, "Disabled"), (1, "50 Hz"), (2, "60 Hz")]
    taken, refused = replies["Outcomes"]
    assert taken == ("brightness", -12) and str(refused[1]) == "zoom is 1 to 5, not 9", refused
    assert replies["error"].status == 5, replies["error"]
    messages = {
        name: grab.read_stream_message(grab.Body(data[4:]))
        for name, data in golden("stream_message").items()
    }
    slot, header = messages["Frame"][1]
    assert (slot, header["format"], header["length"]) == (3, "NV12", 460_800), header
    assert header["planes"] == [(0, 640), (307_200, 640)], header
    assert messages["InlineFrame"][1]["length"] == 157_001
    assert messages["Slot"] == ("slot", (3, 1_843_200, 0))
    assert messages["Lost"] == ("lost", "unplugged")
    welcome = grab.read_welcome(grab.Body(golden("welcome")["Accepted"][4:]))
    assert welcome == (5, "0.1.0", 1234), welcome
    return len(replies) + len(messages) + 1


def main():
    count = 0
    for file, name, ours in written():
        wanted = golden(file)[name]
        assert ours == wanted, f"{file} {name}\n ours   {ours.hex()}\n golden {wanted.hex()}"
        count += 1
    print(f"grab.py writes {count} messages and reads {read()} as the golden files have them")


main()
