// Making elements. Text only ever becomes a text node: nothing that a client sent is read as markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

const SHOWN = 400;

// What a client chose to be called: cut to what fits a title, isolated by its class.
export function name(text, attributes = {}, tag = "span") {
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return h(tag, { dir: "auto", title: cut, ...attributes, class: `name ${attributes.class ?? ""}`.trim() }, cut || "(no name)");
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
