#!/usr/bin/env python3
"""Lists cameras, shows and sets their controls and saves a frame, through camera-service.

An example of a client in another language: the standard library of Python 3.10
alone, written from docs/protocol.md, whose types the functions are named after.

    grab.py list
    grab.py controls CAMERA
    grab.py set CAMERA brightness=10 auto_focus=off power_line_frequency="50 Hz"
    grab.py frame CAMERA -o picture.jpg
    grab.py frame CAMERA -o picture.ppm --format rgb --max-size 640x480 --shared

Exit status: 0 done, 1 failed, 2 wrong usage, 4 no service is running, 5 no such camera.
"""

import argparse
import array
import collections
import fcntl
import mmap
import os
import pathlib
import re
import socket
import stat
import struct
import sys
import time

MAGIC = b"\x89CAMSVC\n"
MAJOR, MINOR = 1, 1
ROLES = {"control": 0, "events": 1, "stream": 2, "publish": 3}
VERDICTS = {
    1: "the versions of the protocol differ",
    2: "the service has as many connections as it takes; close some clients",
    3: "the service belongs to another user",
    4: "the service did not understand the handshake",
}
MAX_MESSAGE = 1 << 20
MAX_FRAME = 64 << 20
NO_SUCH_CAMERA = 0  # ErrorKind
INTEGER, BOOLEAN, MENU, BUTTON, STRING, BITMASK, COMPOUND = range(7)  # ControlKind
KINDS = ["integer", "boolean", "menu", "button", "string", "bitmask", "compound"]
STATES = ["closed", "opening", "streaming", "stalled", "lost", "stuck", "blocked"]
FORMATS = {"jpeg": 0, "nv12": 2, "i420": 3, "grey": 4, "rgb": 5, "rgba": 7}  # PixelFormat
FORMAT_NAMES = ["MJPG", "YUYV", "NV12", "I420", "GREY", "RGB", "BGR", "RGBA"]
SHARED, INLINE = 0, 1  # Delivery
# Linux's numbers, which Python's fcntl module has only in part.
F_GET_SEALS, F_SEAL_SHRINK, F_SEAL_FUTURE_WRITE = 1034, 0x2, 0x10


class Failure(Exception):
    """What the user is told, and the exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


# --- Bytes ---------------------------------------------------------------------------------------


class Body:
    """Reads the values in the body of a message one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if length > len(self.data) - self.at:
            raise Failure("the service sent a message that ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def u8(self):
        return self.number("<B")

    def u32(self):
        return self.number("<I")

    def u64(self):
        return self.number("<Q")

    def i64(self):
        return self.number("<q")

    def bool(self):
        value = self.u8()
        if value > 1:
            raise Failure("the service sent a bool that is neither 0 nor 1")
        return value == 1

    def text(self):
        return self.take(self.u64()).decode()

    def optional(self, read):
        return read() if self.bool() else None

    def list(self, read):
        return [read() for _ in range(self.u64())]

    def end(self):
        if self.at != len(self.data):
            raise Failure(f"{len(self.data) - self.at} bytes are left over behind a message")


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def optional(value, write):
    return b"\0" if value is None else b"\1" + write(value)


def items(values, write):
    return struct.pack("<Q", len(values)) + b"".join(write(value) for value in values)


def message(body):
    return struct.pack("<I", len(body)) + body


# --- Types in messages ---------------------------------------------------------------------------


def read_error(body):
    kind, what = body.u32(), body.text()
    return Failure(what, status=5 if kind == NO_SUCH_CAMERA else 1)


def read_result(body, read):
    """A `Result`: what `read` gives, or a Failure."""
    tag = body.u32()
    if tag > 1:
        raise Failure(f"the service sent a result with the tag {tag}")
    return read_error(body) if tag else read(body)


def read_format(body):
    tag = body.u32()
    if tag < len(FORMAT_NAMES):
        return FORMAT_NAMES[tag]
    return body.take(4).decode("ascii", "replace").rstrip(" \0")


def read_mode(body):
    pixels, width, height = read_format(body), body.u32(), body.u32()
    frames, seconds = body.u32(), body.u32()
    rate = frames / seconds if seconds else 0
    return f"{pixels} {width}x{height} {rate:.4g} fps"


def read_camera(body):
    """A `CameraSummary`."""
    return {
        "id": body.text(),
        "name": body.text(),
        "driver": body.text(),
        "bus": body.text(),
        "present": body.bool(),
        "state": name_of(STATES, body.u32()),
        "reason": body.text(),
        "mode": body.optional(lambda: read_mode(body)),
        "watchers": body.u32(),
        "held_open": body.bool(),
    }


def name_of(names, tag):
    if tag >= len(names):
        version = f"{MAJOR}.{MINOR}"
        raise Failure(f"the service sent the tag {tag}, which version {version} does not have")
    return names[tag]


def read_value(body):
    """A `ControlValue`, as what Python has for it."""
    tag = body.u32()
    if tag == 0:
        return None
    if tag == 1:
        return body.i64()
    if tag == 2:
        return body.bool()
    if tag == 3:
        return body.text()
    if tag == 4:
        return body.take(body.u64())
    raise Failure(f"the service sent a control's value with the tag {tag}")


def value(python):
    """The bytes of a `ControlValue`."""
    if python is None:
        return struct.pack("<I", 0)
    if isinstance(python, bool):  # before int, since a bool is one
        return struct.pack("<I?", 2, python)
    if isinstance(python, int):
        return struct.pack("<Iq", 1, python)
    if isinstance(python, str):
        return struct.pack("<I", 3) + text(python)
    return struct.pack("<IQ", 4, len(python)) + python


def show(python):
    if python is None:
        return "-"
    if isinstance(python, bool):
        return "on" if python else "off"
    return python.hex() if isinstance(python, bytes) else str(python)


def read_control(body):
    """A `Control`."""
    control = {
        "name": body.text(),
        "label": body.text(),
        "kind": body.u32(),
        "value": read_value(body),
        "default": read_value(body),
        "min": body.i64(),
        "max": body.i64(),
        "step": body.i64(),
        "menu": body.list(lambda: (body.i64(), body.text())),
    }
    flags = ["read_only", "inactive", "volatile", "write_only", "grabbed", "disabled"]
    control["flags"] = [flag for flag in flags if body.bool()]
    name_of(KINDS, control["kind"])
    return control


def read_header(body):
    """A `FrameHeader`."""
    return {
        "sequence": body.u64(),
        "monotonic_ns": body.u64(),
        "unix_ns": body.u64(),
        "width": body.u32(),
        "height": body.u32(),
        "format": read_format(body),
        "planes": body.list(lambda: (body.u32(), body.u32())),  # offset, stride
        "colour": (body.u32(), body.u32()),  # matrix, range
        "length": body.u32(),
        "dropped": body.u32(),
    }


# --- Where the service listens, and the handshake ------------------------------------------------


def endpoints(given):
    override = given or os.environ.get("CAMERA_SERVICE_SOCKET")
    if override:
        return [override]
    uid = os.getuid()
    folders = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        folders.append(os.path.join(runtime, "camera-service"))
    usual = f"/run/user/{uid}/camera-service"
    if usual not in folders:
        folders.append(usual)
    private = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"camera-service-{uid}")
    if is_private(private, uid):
        folders.append(private)
    return [os.path.join(folder, "v1.sock") for folder in folders]


def is_private(folder, uid):
    """Whether it is a real folder of this user that nobody else may enter."""
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and not status.st_mode & 0o077


def connect(given):
    paths = endpoints(given)
    for path in paths:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            continue
        except OSError as error:
            connection.close()
            raise Failure(f"{path}: {error.strerror or error}") from error
        if hasattr(socket, "SO_PEERCRED"):
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            _, uid, _ = struct.unpack("3i", credentials)
            if uid != os.getuid():
                raise Failure(f"{path}: the service there is another user's")
        return connection
    looked = ", ".join(paths)
    raise Failure(f"no service is running (looked at {looked}); start camera-service serve", 4)


class Connection:
    """A connection in one role, after its handshake."""

    def __init__(self, given, role, timeout):
        self.deadline = time.monotonic() + timeout
        self.timeout = timeout
        self.socket = connect(given)
        self.buffer = bytearray()
        self.descriptors = collections.deque()
        self.shake_hands(role)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        while self.descriptors:
            os.close(self.descriptors.popleft())

    def shake_hands(self, role):
        # `Hello` may follow the first bytes at once, which saves waiting.
        self.send(preamble(ROLES[role]) + message(hello("grab.py")))
        magic, major, minor, verdict = struct.unpack("<8sHHB3x", self.take(16))
        if magic != MAGIC:
            raise Failure("what listens there is not camera-service")
        if major != MAJOR:
            raise Failure(
                f"the service speaks version {major}.{minor} of the protocol,"
                f" this program {MAJOR}.{MINOR}; update the older of the two"
            )
        if verdict != 0:
            raise Failure(VERDICTS.get(verdict, f"the service refused ({verdict})"))
        read_welcome(self.receive())

    def send(self, data):
        """Sends all of `data`. When the service has closed the connection this does nothing: what
        it said before tells why, and is read next."""
        self.wait_no_longer_than_the_deadline()
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except TimeoutError as error:
            raise self.late() from error

    def receive(self):
        """The body of the next message."""
        (length,) = struct.unpack("<I", self.take(4))
        if length > MAX_MESSAGE:
            raise Failure(f"the service announced a message of {length} bytes")
        return Body(self.take(length))

    def take(self, length):
        """The next `length` bytes."""
        while len(self.buffer) < length:
            self.read_more(length - len(self.buffer))
        data = bytes(self.buffer[:length])
        del self.buffer[:length]
        return data

    def read_more(self, missing):
        # Always recvmsg: a descriptor comes with the first byte of its message, and a plain read
        # of that byte would lose it ("Frames in shared memory").
        self.wait_no_longer_than_the_deadline()
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        cloexec = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        try:
            data, ancillary, flags, _ = self.socket.recvmsg(max(missing, 1 << 16), room, cloexec)
        except TimeoutError as error:
            raise self.late() from error
        except ConnectionResetError:
            data, ancillary, flags = b"", [], 0
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self.descriptors.extend(numbers)
        if flags & socket.MSG_CTRUNC:
            raise Failure("the memory of a frame was lost on its way (see ulimit -n)")
        if not data:
            raise Failure("the service closed the connection")
        self.buffer += data

    def wait_no_longer_than_the_deadline(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.late()
        self.socket.settimeout(left)

    def late(self):
        return Failure(f"nothing came within {self.timeout:g} s; --timeout allows more")


def preamble(role):
    return struct.pack("<8sHHB3x", MAGIC, MAJOR, MINOR, role)


def hello(name):
    """`Hello::Client`, without token and address."""
    return struct.pack("<I", 0) + text(name) + optional(None, text) + optional(None, text)


def read_welcome(body):
    tag = body.u32()
    if tag == 1:
        raise read_error(body)
    if tag != 0:
        raise Failure(f"the service welcomed with the tag {tag}")
    welcome = (body.u64(), body.text(), body.u32())  # connection, version, process
    body.end()
    return welcome


# --- Role control --------------------------------------------------------------------------------


def list_cameras():
    return struct.pack("<I", 0)


def list_controls(camera):
    return struct.pack("<I", 6) + text(camera)


def get_controls(camera, names):
    return struct.pack("<I", 7) + text(camera) + items(names, text)


def set_controls(camera, settings):
    setting = lambda pair: text(pair[0]) + value(pair[1])
    return struct.pack("<I", 8) + text(camera) + items(settings, setting)


def request_message(number, request, deadline_ms=None):
    milliseconds = lambda number: struct.pack("<I", number)
    return struct.pack("<Q", number) + optional(deadline_ms, milliseconds) + request


def read_reply(body):
    """A `ReplyMessage`: its id, and what was asked for or a Failure."""
    number = body.u64()
    result = read_result(body, read_reply_variant)
    body.end()
    return number, result


def read_reply_variant(body):
    tag = body.u32()
    if tag == 0:
        return "done"
    if tag == 1:
        return body.list(lambda: read_camera(body))
    if tag == 6:
        return body.list(lambda: read_control(body))
    if tag == 7:
        return body.list(lambda: (body.text(), read_result(body, read_value)))
    raise Failure(f"the service gave a reply with the tag {tag}, which was not asked for")


def ask(connection, request):
    """One request and its reply; there is never a second under way."""
    connection.send(message(request_message(1, request)))
    number, result = read_reply(connection.receive())
    if isinstance(result, Failure):  # with the id 0: why the connection is closed
        raise result
    if number != 1:
        raise Failure(f"the service replied to the request {number}, which was not made")
    return result


def run_list(arguments):
    with Connection(arguments.socket, "control", arguments.timeout) as connection:
        cameras = ask(connection, list_cameras())
    for camera in cameras:
        state = camera["state"] + (f" ({camera['reason']})" if camera["reason"] else "")
        watchers = f"{camera['watchers']} watching"
        print(camera["id"], camera["name"], state, camera["mode"] or "-", watchers, sep="\t")
    if not cameras:
        print("no cameras", file=sys.stderr)


def run_controls(arguments):
    with Connection(arguments.socket, "control", arguments.timeout) as connection:
        controls = ask(connection, list_controls(arguments.camera))
    for control in controls:
        kind, span = KINDS[control["kind"]], f"{control['min']} to {control['max']}"
        if control["kind"] == MENU:
            span = ", ".join(f"{entry[0]}={entry[1]}" for entry in control["menu"])
        elif control["kind"] in (BOOLEAN, BUTTON):
            span = "-"
        flags = ",".join(control["flags"]) or "-"
        print(control["name"], kind, show(control["value"]), span, flags, sep="\t")


def run_set(arguments):
    wanted = [setting.partition("=")[::2] for setting in arguments.settings]
    with Connection(arguments.socket, "control", arguments.timeout) as connection:
        names = list(dict.fromkeys(name for name, _ in wanted))
        controls = ask(connection, get_controls(arguments.camera, names))
        kinds = {control["name"]: control for control in controls}
        settings = [(name, parse_value(kinds.get(name), name, given)) for name, given in wanted]
        outcomes = ask(connection, set_controls(arguments.camera, settings))
    failed = 0
    for name, result in outcomes:
        if isinstance(result, Failure):
            failed = 1
            print(f"grab.py: {name}: {result}", file=sys.stderr)
        else:
            print(name, show(result), sep="\t")
    return failed


def parse_value(control, name, given):
    """What a control of this kind takes; the service checks ranges and menus."""
    if control is None:
        raise Failure(f"the camera has no control {name}; grab.py controls CAMERA shows all")
    kind = control["kind"]
    try:
        if kind == BUTTON:
            return None
        if kind == BOOLEAN:
            return {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}[
                given.lower()
            ]
        if kind == MENU and not re.fullmatch(r"[+-]?\d+", given):
            return given
        if kind in (INTEGER, MENU, BITMASK):
            number = int(given, 0)
            if not -(1 << 63) <= number < 1 << 63:
                raise ValueError
            return number
        return given if kind == STRING else bytes.fromhex(given)
    except (KeyError, ValueError):
        wants = {BOOLEAN: "on or off", COMPOUND: "pairs of hex digits"}.get(kind, "a number")
        raise Failure(f"{name} takes {wants}, not {given!r}") from None


# --- Role stream ---------------------------------------------------------------------------------


def stream_open(camera, pixels, max_size, quality, delivery):
    """`StreamCommand::Open`; `pixels` is a `PixelFormat`, or None for the camera's own."""
    pixel_format = struct.pack("<I", 0) if pixels is None else struct.pack("<II", 1, pixels)
    return (
        struct.pack("<I", 0)
        + text(camera)
        + pixel_format
        + optional(max_size, lambda size: struct.pack("<II", *size))
        + b"\0"  # no limit of the rate
        + b"\0"  # no crop
        + struct.pack("<I", 0)  # not turned
        + b"\0"  # not mirrored
        + optional(quality, lambda number: struct.pack("<B", number))
        + struct.pack("<I", delivery)
    )


def stream_release(slot):
    return struct.pack("<IQ", 1, slot)


def read_stream_message(body):
    """The name of a `StreamMessage` and its fields."""
    tag = body.u32()
    if tag == 0:
        mode = {"camera": body.text(), "mode": read_mode(body), "native": read_mode(body)}
        mode.update(delivery=body.u32(), instead=body.optional(body.text))
        found = ("started", mode)
    elif tag == 1:
        found = ("refused", read_error(body))
    elif tag == 2:
        found = ("slot", (body.u64(), body.u64(), body.u64()))  # slot, length, handle
    elif tag == 3:
        found = ("frame", (body.u64(), read_header(body)))
    elif tag == 4:
        found = ("inline frame", read_header(body))
    elif tag == 5:
        found = ("retired", body.u64())
    elif tag == 6:
        found = ("mode changed", (read_mode(body), read_mode(body)))
    elif tag == 7:
        found = ("lost", body.text())
    elif tag == 8:
        found = ("lagged", None)
    elif tag == 9:
        found = ("blocked", None)
    elif tag == 10:
        found = ("ended", read_error(body))
    else:
        raise Failure(f"the service sent a message of a stream with the tag {tag}")
    body.end()
    return found


def map_slot(descriptor, length):
    """Maps a slot for reading, after a look at what it is; closes the descriptor."""
    try:
        if os.fstat(descriptor).st_size < length or length == 0:
            raise Failure("the service sent a slot that is smaller than it said")
        seals = fcntl.fcntl(descriptor, F_GET_SEALS)
        needed = F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE
        if seals & needed != needed:
            raise Failure("the service sent a slot that is not sealed")
        return mmap.mmap(descriptor, length, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    finally:
        os.close(descriptor)


def frames(connection):
    """Headers and bytes of the frames that come, until the stream ends."""
    slots = {}
    while True:
        what, found = read_stream_message(connection.receive())
        if what in ("refused", "ended"):
            raise found
        if what == "slot":
            slot, length, _ = found
            if not connection.descriptors:
                raise Failure("the service sent a slot without its memory")
            slots[slot] = map_slot(connection.descriptors.popleft(), length)
        elif what == "frame":
            slot, header = found
            mapping = slots.get(slot)
            if mapping is None or header["length"] > len(mapping):
                raise Failure("the service sent a frame that lies in no slot")
            pixels = mapping[: header["length"]]  # copied, so the slot can go back at once
            connection.send(message(stream_release(slot)))
            yield header, pixels
        elif what == "inline frame":
            if found["length"] > MAX_FRAME:
                raise Failure("the service announced a frame beyond 64 MiB")
            yield found, connection.take(found["length"])
        elif what == "retired":
            mapping = slots.pop(found, None)
            if mapping is not None:
                mapping.close()
        elif what == "lost":
            print(f"grab.py: the camera does not deliver ({found}); waiting", file=sys.stderr)
        elif what == "blocked":
            print("grab.py: all cameras are turned off; waiting", file=sys.stderr)


def run_frame(arguments):
    pixels = None if arguments.format == "native" else FORMATS[arguments.format]
    delivery = SHARED if arguments.shared else INLINE
    request = stream_open(
        arguments.camera, pixels, arguments.max_size, arguments.quality, delivery
    )
    with Connection(arguments.socket, "stream", arguments.timeout) as connection:
        connection.send(message(request))
        coming = frames(connection)
        for _ in range(arguments.skip):
            next(coming)
        header, data = next(coming)
    content = as_file(header, data)
    if arguments.output == "-":
        sys.stdout.buffer.write(content)
    else:
        pathlib.Path(arguments.output).write_bytes(content)
    size = f"{header['width']}x{header['height']}"
    print(
        f"frame {header['sequence']}: {header['format']} {size}, {len(data)} bytes"
        f" -> {arguments.output}",
        file=sys.stderr,
    )


def as_file(header, data):
    """RGB and grey as PPM and PGM, which most programs open; everything else as it is."""
    width, height = header["width"], header["height"]
    if header["format"] not in ("RGB", "GREY"):
        return data
    kind, pixel = (b"P6", 3) if header["format"] == "RGB" else (b"P5", 1)
    offset, stride = header["planes"][0]
    starts = range(offset, offset + height * stride, stride)
    rows = [data[start : start + width * pixel] for start in starts]
    return b"%s %d %d 255\n" % (kind, width, height) + b"".join(rows)


# --- Command line --------------------------------------------------------------------------------


def size(given):
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", given)
    if not match or not 0 < int(match[1]) <= 65_535 or not 0 < int(match[2]) <= 65_535:
        raise argparse.ArgumentTypeError(f"{given!r} is not a size such as 640x480")
    return int(match[1]), int(match[2])


def setting(given):
    if not given.partition("=")[0]:
        raise argparse.ArgumentTypeError(f"{given!r} is not NAME=VALUE")
    return given


def within(low, high, convert=int):
    def parse(given):
        number = convert(given)
        if not low <= number <= high:
            raise ValueError
        return number

    parse.__name__ = f"number from {low} to {high}"  # argparse says "invalid number from …"
    return parse


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Lists cameras, sets controls and saves frames, through camera-service.",
        epilog="Exit status: 0 done, 1 failed, 2 usage, 4 no service running, 5 no such camera.",
    )
    # Taken by every command, so that they may stand before or behind its name.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for options in (parser, common):
        options.add_argument("--socket", metavar="PATH", help="where the service listens")
        options.add_argument(
            "--timeout",
            type=within(0.1, 3600, float),
            metavar="SECONDS",
            help="wait so long for the service and the camera (10)",
        )
    parser.set_defaults(timeout=10)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", parents=[common], help="list cameras")
    command.set_defaults(run=run_list)

    command = commands.add_parser("controls", parents=[common], help="show its controls")
    command.add_argument("camera", metavar="CAMERA", help="id, name or device file of the camera")
    command.set_defaults(run=run_controls)

    command = commands.add_parser("set", parents=[common], help="set controls")
    command.add_argument("camera", metavar="CAMERA", help="id, name or device file of the camera")
    command.add_argument(
        "settings",
        metavar="NAME=VALUE",
        type=setting,
        nargs="+",
        help="a number, on or off, a menu's entry, text; NAME= presses a button",
    )
    command.set_defaults(run=run_set)

    command = commands.add_parser("frame", parents=[common], help="save a frame")
    command.add_argument("camera", metavar="CAMERA", help="id, name or device file of the camera")
    command.add_argument("-o", "--output", metavar="FILE", required=True, help="file, - for stdout")
    command.add_argument(
        "--format",
        choices=["native", *FORMATS],
        default="jpeg",
        help="rgb is saved as PPM and grey as PGM, all others as they are (jpeg)",
    )
    command.add_argument("--max-size", metavar="WxH", type=size, help="scale down to fit this")
    command.add_argument("--quality", metavar="Q", type=within(1, 100), help="of JPEG, 1 to 100")
    command.add_argument(
        "--skip",
        metavar="N",
        type=within(0, 100_000),
        default=0,
        help="leave out so many frames first, while the exposure settles",
    )
    command.add_argument("--shared", action="store_true", help="map the frame in shared memory")
    command.set_defaults(run=run_frame)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        return arguments.run(arguments) or 0
    except Failure as failure:
        print(f"grab.py: {failure}", file=sys.stderr)
        return failure.status
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"grab.py: {error}", file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        print("grab.py: the service sent text that is not UTF-8", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
