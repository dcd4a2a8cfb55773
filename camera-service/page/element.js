// Makes elements. Text is always set as text: nothing that a camera or a client is called can become markup.

/**
 * An element with properties, attributes and children.
 * `on…` are listeners, `class` and everything else are attributes; `true` is an empty attribute, and
 * `false`, `null` and `undefined` are left out.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** Sets text where it differs, so that screen readers are told of changes only. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows or hides. */
export function show(target, shown) {
  if (target.hidden === shown) target.hidden = !shown;
}

/** Sets or removes an attribute, where that changes anything. */
export function mark(target, name, value) {
  if (value === false || value == null) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

/** An icon of index.html's. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Makes the children of `parent` those that `make(item)` made once for each key of `items`, in this
 * order; `update(child, item)` brings each up to date. What stays keeps its focus.
 */
export function each(parent, items, key, make, update) {
  const kept = (parent.kept ??= new Map());
  const keys = new Set(items.map(key));
  for (const [name, child] of kept) {
    if (!keys.has(name)) {
      child.remove();
      kept.delete(name);
    }
  }
  let before = null;
  for (const item of items) {
    const name = key(item);
    let child = kept.get(name);
    if (!child) kept.set(name, (child = make(item)));
    const place = before ? before.nextSibling : parent.firstChild;
    if (place !== child) parent.insertBefore(child, place);
    update(child, item);
    before = child;
  }
}
