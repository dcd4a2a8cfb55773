// This device's own cameras: which there are, getting a picture of one, and why that is not possible.

/** Why no camera can be had here whatever the user allows; empty where one may be. */
export function obstacle() {
  if (!window.isSecureContext) {
    return "Browsers give a camera to pages over HTTPS only. Open this page with https:// in its address.";
  }
  if (!navigator.mediaDevices?.getUserMedia) return "This browser gives no camera to web pages.";
  return "";
}

/** A stream of the camera that is wished: `{device, facing, width, height, fps}`. Fails with a reason for people. */
export async function open({ device, facing, width, height, fps }) {
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  if (device) video.deviceId = { exact: device };
  else if (facing) video.facingMode = { ideal: facing };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    throw new Error(WHY[error.name] ?? `The camera cannot be used: ${error.message || error.name}.`);
  }
}

const WHY = {
  NotAllowedError:
    "The browser was not allowed to use the camera. Allow it in the site's settings, beside the address, and try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "The camera is in use by another program. Close it there and try again.",
  AbortError: "The camera could not be started. Unplug it and plug it in again, or restart the browser.",
  OverconstrainedError: "That camera is not there any more. Choose another one.",
  SecurityError: "The browser's settings forbid the use of cameras.",
};

/** The cameras, `{id, label}`; their labels are known once one was allowed. */
export async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId)
    .map(({ deviceId, label }, index) => ({ id: deviceId, label: label || `Camera ${index + 1}` }));
}

/** Ends a stream, so that the camera's light goes off. */
export function close(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** A name for this device, of the characters that a published camera's may have. */
export function defaultName() {
  const { userAgent } = navigator;
  const kinds = [
    [/iPhone/, "iphone"],
    [/iPad/, "ipad"],
    [/Android.*Mobile/, "phone"],
    [/Android/, "tablet"],
    [/Macintosh/, "mac"],
    [/Windows/, "windows"],
    [/CrOS/, "chromebook"],
  ];
  return kinds.find(([pattern]) => pattern.test(userAgent))?.[1] ?? "browser";
}

/** `text` with only those characters. */
export const asName = (text) => text.normalize("NFKD").replace(/\s+/g, "-").replace(/[^A-Za-z0-9._-]/g, "").slice(0, 64);
