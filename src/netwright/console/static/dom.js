// Elements from data.  Text is always text: nothing here parses markup.

export const $ = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('aria-') || name === 'role') made.setAttribute(name, value); else made[name] = value;
  }
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function part(tag, attributes, text = '') {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

// Write what has changed only: a text node that is rewritten loses a selection and wakes screen readers.
export function put(node, text, look) {
  if (node.textContent !== text) node.textContent = text;
  if (look !== undefined && node.className !== look) node.className = look;
}
