// A question that is answered before anything else is done: a name, or whether to go on.

import { byId, say, show } from "./element.js";

/**
 * Asks. `field` is `{label, value, maxlength}` where text is wanted. Resolves to the text, to `true`,
 * or to `null` when the user thought better of it.
 */
export function ask({ title, text = "", field = null, confirm, danger = false }) {
  const dialog = byId("ask");
  say(byId("ask-title"), title);
  say(byId("ask-text"), text);
  show(byId("ask-text"), text !== "");
  show(byId("ask-field"), field !== null);
  const input = byId("ask-input");
  input.disabled = field === null;
  if (field) {
    say(byId("ask-label"), field.label);
    input.value = field.value ?? "";
    input.maxLength = field.maxlength ?? 64;
  }
  const button = byId("ask-confirm");
  say(button, confirm);
  button.classList.toggle("danger", danger);
  dialog.returnValue = "";
  dialog.showModal();
  if (field) input.select();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue !== "confirm" ? null : field ? input.value.trim() || null : true),
      { once: true },
    );
  });
}
