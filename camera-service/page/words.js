// States, modes, times and errors in words, the same everywhere on the page.

const STATES = {
  closed: ["quiet", "Idle"],
  opening: ["attention", "Opening"],
  streaming: ["live", "Live"],
  stalled: ["attention", "Stalled"],
  stuck: ["wrong", "Does not answer"],
  blocked: ["quiet", "Off"],
  lost: ["wrong", "Lost"],
};

/** The state of a camera, `[tone, text]`. */
export function state(camera) {
  const [tone, text] = STATES[camera.state] ?? ["quiet", camera.state];
  // The service says who holds a camera as `held by PROGRAM (pid …); …`.
  const holder = camera.state === "lost" && /held by ([^;,(]+)/.exec(camera.reason ?? "");
  return [tone, holder ? `Held by ${holder[1].trim()}` : text];
}

/** `1280 × 720`. */
export const size = ({ width, height }) => `${width} × ${height}`;

/** `30 fps`, `7.5 fps`. */
export const rate = (fps) => `${Math.round(fps * 100) / 100} fps`;

/** A pixel format, and what it is where that helps to choose. */
export const format = (name) => ({ MJPG: "MJPG, compressed", GREY: "GREY, no colour" })[name] ?? name;

/** `1280 × 720, 30 fps`. */
export const mode = (of) => `${size(of)}, ${rate(of.fps)}`;

/** `Nobody watches`, `1 watcher`, `3 watchers`. */
export const watchers = (count) =>
  count === 0 ? "Nobody watches" : count === 1 ? "1 watcher" : `${count} watchers`;

/** How long ago an RFC 3339 time was: `12 s`, `3 min`, `2 h 5 min`, `4 days`. */
export function since(time, now = Date.now()) {
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** What went wrong, for people. */
export const reason = (error) => sentence(error?.message || String(error));

/** With a capital and a full stop, as the page's own sentences have. */
export function sentence(text) {
  const trimmed = text.trim();
  if (!trimmed) return "";
  const whole = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

/** `front-door_2026-05-04_13-37-05.jpg`: a file of this camera at this time, for any file system. */
export function fileName(camera, time = new Date()) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const hour = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join("-");
  const name = camera.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "") || "camera";
  return `${name}_${day}_${hour}.jpg`;
}
