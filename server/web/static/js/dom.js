/**
 * Builds elements from data without ever parsing markup, so that a hostile name stays a name.
 *
 * @example h("p", {class: "muted"}, "12 of ", h("b", {}, "340"))
 */

/**
 * @param {string} tag
 * @param {Record<string, any>} [props] attributes; `on*` are listeners, `data` a map of data attributes,
 *   `vars` a map of CSS custom properties; null and false are left out.
 * @param {...any} children  nodes, texts, numbers, lists of them; null and false are left out
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "vars") {
      for (const [key, text] of Object.entries(value)) element.style.setProperty(key, String(text));
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/**
 * @param {Element} element
 * @param {Array<any>} children
 */
function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Replaces what is in `element`.
 * @param {Element} element
 * @param {...any} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * The element with this id; a missing one is a mistake of ours, so it throws.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}
