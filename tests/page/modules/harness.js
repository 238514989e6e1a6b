// Cases of one file, run in whatever engine imports it; a document that is just large enough for the page's modules.

export const STATIC = '../../../src/netwright/console/static';
const cases = [];

export const test = (name, check) => cases.push([name, check]);

export function equal(seen, wanted) {
  const [a, b] = [seen, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${a} seen, ${b} wanted`);
}

export function near(seen, wanted, by = 1e-9) {
  if (!(Math.abs(seen - wanted) <= by)) throw new Error(`${seen} seen, ${wanted} ± ${by} wanted`);
}

export function throws(action, pattern) {
  try { action(); } catch (error) {
    if (!pattern.test(error.message)) throw new Error(`"${error.message}" seen, ${pattern} wanted`);
    return error;
  }
  throw new Error(`nothing thrown, ${pattern} wanted`);
}

// { name of a case: "" or what failed }
export async function results() {
  const found = {};
  for (const [name, check] of cases) {
    if (name in found) throw new Error(`two cases are called ${name}`);
    try { await check(); found[name] = ''; } catch (error) { found[name] = error.message || String(error); }
  }
  return found;
}

// A row as /api/events tells it.
export const row = (changes = {}) => ({
  id: '7.1', worker: 7, number: 1, role: 'accepted', peer: '10.0.0.7:50000', local: '127.0.0.1:8000', service: 'http', protocol: 'http/1.1',
  state: 'open', tone: '', opened: 1000, closed: 0, bytes_in: 0, bytes_out: 0, messages: 0, waiting: '', waiting_since: 1000, subject: '', note: '',
  bound_by: 'peer to send', tcp: '', rtt: 0, cwnd: 0, rtx: 0, unread: 0, unsent: 0, ...changes,
});

class Node {
  constructor(tag) { Object.assign(this, { tag, childNodes: [], attributes: {}, style: {}, dataset: {}, className: '', hidden: false, listeners: {} }); }
  get children() { return this.childNodes.filter((node) => node instanceof Node); }
  get firstChild() { return this.childNodes[0] ?? null; }
  get textContent() { return this.childNodes.map((node) => node instanceof Node ? node.textContent : node).join(''); }
  set textContent(text) { this.childNodes = text === '' ? [] : [String(text)]; }
  append(...nodes) { this.childNodes.push(...nodes.map((node) => node instanceof Node ? node : String(node))); }
  replaceChildren(...nodes) { this.childNodes = []; this.append(...nodes); }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; }
  addEventListener(name, listener) { this.listeners[name] = listener; }
  all(tag) { return this.children.flatMap((node) => [...(node.tag === tag ? [node] : []), ...node.all(tag)]); }
  querySelector(tag) { return this.all(tag)[0] ?? null; }
  get rows() { return this.all('tr'); }
  get cells() { return this.children; }
}

export const node = (tag) => new Node(tag);
globalThis.document ??= {};
globalThis.document.createElement = node;
globalThis.document.createElementNS = (space, tag) => node(tag);
globalThis.ResizeObserver ??= class { observe() {} };
