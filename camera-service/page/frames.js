// The binary messages of camera.v1.json: a header of 40 bytes, little-endian, and a JPEG image.

/** Bytes of the header; a later version may have more, and says so in its second byte. */
const HEADER = 40;
const FROM_SERVICE = 1;
const FROM_PUBLISHER = 2;

/**
 * A frame of a stream: `{stream, sequence, time (unix ms, a fraction too), width, height, dropped, jpeg}`.
 * `sequence` is a BigInt. Fails where the message is none.
 */
export function read(message) {
  const view = new DataView(message);
  const start = message.byteLength >= HEADER ? view.getUint8(1) : 0;
  if (start < HEADER || view.getUint8(0) !== FROM_SERVICE) throw new Error("a message that is no frame");
  const length = view.getUint32(36, true);
  if (start + length !== message.byteLength) throw new Error("a frame of another length than it says");
  return {
    stream: view.getUint32(4, true),
    sequence: view.getBigUint64(8, true),
    time: Number(view.getBigUint64(16, true)) / 1000,
    width: view.getUint32(24, true),
    height: view.getUint32(28, true),
    dropped: view.getUint32(32, true),
    jpeg: new Blob([new Uint8Array(message, start, length)], { type: "image/jpeg" }),
  };
}

/** The header of a frame that this page publishes; `time` in unix ms. */
export function header({ publication, sequence, time, width, height, length }) {
  const bytes = new ArrayBuffer(HEADER);
  const view = new DataView(bytes);
  view.setUint8(0, FROM_PUBLISHER);
  view.setUint8(1, HEADER);
  view.setUint32(4, publication, true);
  view.setBigUint64(8, BigInt(sequence), true);
  view.setBigUint64(16, BigInt(Math.round(time * 1000)), true);
  view.setUint32(24, width, true);
  view.setUint32(28, height, true);
  view.setUint32(36, length, true);
  return bytes;
}
