// Elements made of names, attributes and text. Nothing here reads markup, so no text of others can become any.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes that are functions listen (`onclick`), true stands for an empty value, false and null for
 * none; children are nodes or texts, and null is left out.
 * @param {string} name
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value ?? "";
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...nodes(children));
  return element;
}

/**
 * The same for a picture: an element of SVG.
 * @param {string} name
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {SVGElement}
 */
export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...nodes(children));
  return element;
}

/** Children as they can be appended: flat, without nothings. */
export function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Puts other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Notes where the focus is; what it returns brings it to an element, unless somebody has gone elsewhere meanwhile. */
export function focusLater() {
  const before = document.activeElement;
  return (element) => {
    if ([before, document.body, null].includes(document.activeElement)) element?.focus();
  };
}

const PATHS = {
  dot: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
  ring: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm0 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  half: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm0 2v6a3 3 0 0 1 0-6z",
  square: "M3 3h10v10H3z",
  triangle: "M8 2.5L14 13H2z",
  diamond: "M8 2l6 6-6 6-6-6z",
  cross: "M4.4 3L8 6.6 11.6 3 13 4.4 9.4 8l3.6 3.6-1.4 1.4L8 9.4 4.4 13 3 11.6 6.6 8 3 4.4z",
  bar: "M3 7h10v2H3z",
  arrow: "M7 3l5 5-5 5V9.2H3V6.8h4z",
};

/** A small picture beside a word; it says nothing that the word does not. */
export function shape(name) {
  return s("svg", { viewBox: "1.5 1.5 13 13", "aria-hidden": "true", class: "shape" },
    s("path", { d: PATHS[name], "fill-rule": "evenodd" }));
}
