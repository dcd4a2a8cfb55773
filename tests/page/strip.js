// Reads the test camera's strip (protocol/src/strip.rs) from a canvas, within the page.

/**
 * Runs in the page: looks at the canvas with every animation frame for so many ms, and returns what its
 * strips said, `{sequence, monotonic (ns), seen (unix ms)}` each, as texts where numbers are large; and
 * how many pictures had no whole strip. It must be one function: it is sent there as text.
 */
export async function readStrips({ selector, milliseconds }) {
  const COLUMNS = 40;
  const ROWS = 4;
  const ROWS_IN_PICTURE = 24;
  const FIXED = 2;
  const copy = document.createElement("canvas");
  const context = copy.getContext("2d", { willReadFrequently: true });

  function read(canvas) {
    const { width } = canvas;
    const height = Math.floor((ROWS * canvas.height) / ROWS_IN_PICTURE);
    copy.width = width;
    copy.height = height;
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const luma = (x, y) => {
      const at = 4 * (y * width + x);
      return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    };
    const edge = (index, length, count) => Math.floor((index * length) / count);
    const inner = (from, to) => {
      const margin = Math.floor((to - from) / 3);
      return [from + margin, to - margin];
    };
    const brightness = (column, row) => {
      const [left, right] = inner(edge(column, width, COLUMNS), edge(column + 1, width, COLUMNS));
      const [top, bottom] = inner(edge(row, canvas.height, ROWS_IN_PICTURE), edge(row + 1, canvas.height, ROWS_IN_PICTURE));
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += luma(x, y);
      return sum / ((right - left) * (bottom - top));
    };
    const rows = [0, 1, 2, 3];
    const white = Math.min(...rows.flatMap((row) => [brightness(0, row), brightness(COLUMNS - FIXED, row)]));
    const black = Math.max(...rows.flatMap((row) => [brightness(1, row), brightness(COLUMNS - 1, row)]));
    if (white < black + 48) return null;
    let bits = 0n;
    for (const row of rows) {
      for (let column = FIXED; column < COLUMNS - FIXED; column++) {
        bits = (bits << 1n) | (brightness(column, row) > (white + black) / 2 ? 1n : 0n);
      }
    }
    const [body, checksum] = [bits >> 16n, Number(bits & 0xffffn)];
    let crc = 0xffff;
    for (let shift = 120n; shift >= 0n; shift -= 8n) {
      crc ^= Number((body >> shift) & 0xffn) << 8;
      for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000 ? 0x1021 : 0) ^ (crc << 1)) & 0xffff;
    }
    if (crc !== checksum) return null;
    return { sequence: Number(body >> 64n), monotonic: String(body & 0xffff_ffff_ffff_ffffn), seen: Date.now() };
  }

  const strips = [];
  let unreadable = 0;
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    await new Promise(requestAnimationFrame);
    const strip = read(document.querySelector(selector));
    if (!strip) unreadable += 1;
    else if (strips.at(-1)?.sequence !== strip.sequence) strips.push(strip);
  }
  return { strips, unreadable };
}

/** From capture to canvas, the median in ms. Both ends are on this machine, whose clocks node knows. */
export function latency(strips) {
  const monotonicToUnix = Date.now() - Number(process.hrtime.bigint() / 1_000n) / 1_000;
  const all = strips.map(({ seen, monotonic }) => seen - (Number(monotonic) / 1e6 + monotonicToUnix));
  all.sort((a, b) => a - b);
  return all[all.length >> 1];
}
