// Messages that lie over the page until they are dismissed or have been there for long enough. The
// region that holds them is live, so that screen readers say them.

import { byId, element } from "./element.js";
import { reason, sentence } from "./words.js";

/** Notices kept at once; an older one goes when there are more. */
const MOST = 3;
/** How long one stays, in ms: long enough to be read twice. */
const DONE = 6_000;
const WRONG = 15_000;

/** Something worked that is not seen otherwise. */
export const done = (text) => add("live", text, DONE);

/** Something is as it should not be, and what follows from that. */
export const attention = (text) => add("attention", text, WRONG);

/** Something did not work: an Error, or what and why. */
export const wrong = (error) => add("wrong", typeof error === "string" ? error : reason(error), WRONG);

function add(tone, text, stays) {
  const region = byId("notices");
  // The same again says nothing new.
  for (const other of [...region.children]) if (other.firstChild.textContent === sentence(text)) other.remove();
  const dismiss = element("button", { type: "button", class: "link", onclick: () => notice.remove() }, "Dismiss");
  const notice = element("div", { class: `notice ${tone}` }, element("p", {}, sentence(text)), dismiss);
  region.append(notice);
  while (region.children.length > MOST) region.firstChild.remove();
  let timer = setTimeout(() => notice.remove(), stays);
  // It is not taken away from under the eyes of who reads it.
  const hold = () => clearTimeout(timer);
  const release = () => (timer = setTimeout(() => notice.remove(), stays));
  notice.addEventListener("pointerenter", hold);
  notice.addEventListener("pointerleave", release);
  notice.addEventListener("focusin", hold);
  notice.addEventListener("focusout", release);
}
