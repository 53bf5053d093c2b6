// What every part of the page draws with: elements made once and changed in place, so that a page
// that is told anew every few seconds keeps its focus, its open details and its selection.

export const find = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(made, name, value);
  made.append(...children.filter((one) => one !== null));
  return made;
}

export function set(node, name, value) {
  if (name === "onclick") node.onclick = value;
  else if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

/** Text, changed only when it is another: a screen reader is not told the same again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/** The children of `parent` are one a thing, in this order: made when new, then updated. */
export function keyed(parent, things, keyOf, make, update) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const thing of things) {
    const key = String(keyOf(thing));
    const child = there.get(key) ?? make(thing);
    there.delete(key);
    child.dataset.key = key;
    update(child, thing);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of there.values()) gone.remove();
}

/** The part of `node` that bears this name in `data-part`. */
export const part = (node, name) => node.querySelector(`[data-part="${name}"]`);

/** A link, or the text alone where it leads nowhere. */
export function link(href, text, attributes = {}) {
  return href ? el("a", { href, ...attributes }, text) : el("span", {}, text);
}
