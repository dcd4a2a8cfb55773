// Which controls belong together, by their names; as in the window.

const OTHER = "Other";
/** The first that fits: `white_balance_automatic` is no exposure. */
const WORDS = [
  ["White balance", ["white_balance", "red_balance", "blue_balance", "colour_temperature"]],
  ["Focus", ["focus", "zoom", "pan", "tilt"]],
  ["Exposure", ["exposure", "gain", "iso", "iris", "backlight", "shutter", "3a_lock"]],
  [
    "Image",
    "brightness contrast saturation hue gamma sharpness power_line flip mirror colour color noise".split(" "),
  ],
];

/** Groups in the order of the page. */
export const GROUPS = ["Image", "Exposure", "Focus", "White balance", OTHER];

/** The group of a control. */
export function groupOf({ name }) {
  const found = WORDS.find(([, words]) => words.some((word) => name.includes(word)));
  return found ? found[0] : OTHER;
}

/** Whether a control is meant by what was typed into the search field. */
export function matches({ label, name }, search) {
  const text = `${label} ${name}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
