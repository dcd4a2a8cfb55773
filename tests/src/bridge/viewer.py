"""A viewer written with Python's websockets package from docs/protocol.md alone.

viewer.py URL TOKEN FRAMES: watches the first camera, acknowledges each frame, and prints as JSON
what it saw.
"""

import asyncio
import json
import struct
import sys

import websockets

HEADER = struct.Struct("<BBHIQQIIII")


async def main(url, token, wanted):
    async with websockets.connect(url, subprotocols=["camera.v1.json"], max_size=None) as socket:
        assert socket.subprotocol == "camera.v1.json"
        hello = json.loads(await socket.recv())
        assert hello["op"] == "hello" and hello["d"]["protocol"] == 1, hello

        async def say(op, **d):
            await socket.send(json.dumps({"op": op, "d": d}))

        await say("identify", token=token, events=["cameras"])
        identified = json.loads(await socket.recv())
        assert identified["op"] == "identified", identified
        state = json.loads(await socket.recv())
        assert state["d"]["event"] == "state", state
        camera = state["d"]["cameras"][0]["id"]
        await say("request", id="open", type="open_stream", camera=camera)

        frames, last, ordered, size = 0, -1, True, None
        while frames < wanted:
            message = await socket.recv()
            if isinstance(message, str):
                continue
            kind, length, _, stream, sequence, _, width, height, _, jpeg = HEADER.unpack_from(message)
            assert (kind, length, jpeg) == (1, HEADER.size, len(message) - HEADER.size)
            assert message[length:length + 2] == b"\xff\xd8"
            ordered, last, size = ordered and sequence > last, sequence, [width, height]
            frames += 1
            await say("ack", stream=stream, sequence=sequence)
        name = identified["d"]["name"]
        print(json.dumps({"name": name, "frames": frames, "size": size, "ordered": ordered}))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
