// The filter words of console/query.py, the same for the page; tests/console/filter_cases.json runs both.

import { bound } from './bound.js';

export const MATCHED = {
  state: (r) => r.state, svc: (r) => r.service, peer: (r) => r.peer, proto: (r) => r.protocol, wait: (r) => r.waiting,
  role: (r) => r.role, worker: (r) => String(r.worker), note: (r) => r.note, subject: (r) => r.subject, tone: (r) => r.tone, tcp: (r) => r.tcp, bound,
};
const time = (value, bare = 1) => ({ value, bare, units: { us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 }, example: '50ms 2s 5m 1h' });
const size = (value) => ({ value, bare: 1, units: { b: 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9 }, example: '500 10k 1mb' });
const number = (value) => ({ value, bare: 1, units: { k: 1e3, m: 1e6 }, example: '5 10k' });
export const COMPARED = {
  age: time((r, now) => (r.closed || now) - r.opened),
  waited: time((r, now) => r.waiting ? now - r.waiting_since : 0),
  rtt: time((r) => r.rtt, 1e-3),
  in: size((r) => r.bytes_in), out: size((r) => r.bytes_out), unread: size((r) => r.unread), unsent: size((r) => r.unsent),
  messages: number((r) => r.messages), cwnd: number((r) => r.cwnd), rtx: number((r) => r.rtx), retrans: number((r) => r.rtx),
};
const SIGNS = { '<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b, '>=': (a, b) => a >= b };

// Thrown for a word that means nothing; ``start`` and ``end`` are its place in the text.
export class FilterError extends Error {
  constructor(message, start, end) {
    super(message);
    [this.start, this.end] = [start, end];
  }
}

// Words with their places; quotes keep spaces in a word and take the meaning from what they enclose.
export function words(text) {
  return [...text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)].map((found) => ({ text: found[0], start: found.index, end: found.index + found[0].length }));
}

// A test of a row and the time of day.
export function parseFilter(text) {
  const tests = words(text.toLowerCase()).map(parseWord);
  return (row, now) => tests.every((test) => test(row, now));
}

function parseWord({ text, start, end }) {
  if ((text.split('"').length - 1) % 2) throw new FilterError('the quote is not closed', start + text.lastIndexOf('"'), end);
  const minus = /^-*/.exec(text)[0].length;
  if (minus === text.length) return anywhere(text);
  const test = meaning(text.slice(minus), start + minus, end);
  return minus % 2 ? (row, now) => !test(row, now) : test;
}

function meaning(text, start, end) {
  const [, key, sign, given] = /^([a-z]+)([<>]=?|:)(.*)$/s.exec(text) ?? [];
  if (!key) return anywhere(text.replaceAll('"', ''));
  const from = start + key.length + sign.length;
  if (sign !== ':') return comparison(key, sign, given, start, from, end);
  if (Object.hasOwn(MATCHED, key)) {
    const column = MATCHED[key], wanted = given.replaceAll('"', '');
    return given === '""' ? (row, now) => column(row, now) === '' : (row, now) => column(row, now).toLowerCase().includes(wanted);
  }
  const advice = Object.hasOwn(COMPARED, key) ? `${key} is a number: ${key}>${COMPARED[key].example.split(' ')[0]}` : `no column ${key}: ${Object.keys(MATCHED).join(' ')}`;
  throw new FilterError(advice, start, start + key.length);
}

function comparison(key, sign, given, start, from, end) {
  if (!Object.hasOwn(COMPARED, key)) {
    const advice = Object.hasOwn(MATCHED, key) ? `${key} is text: ${key}:…` : `no number ${key}: ${Object.keys(COMPARED).join(' ')}`;
    throw new FilterError(advice, start, start + key.length);
  }
  const { value, bare, units, example } = COMPARED[key], [, digits, unit] = /^(\d+(?:\.\d+)?)([a-zµ]*)$/.exec(given) ?? [];
  if (!digits) throw new FilterError(`${given ? `${given} is not a number` : 'a number is missing'}: ${example}`, from, end);
  if (unit && !Object.hasOwn(units, unit)) throw new FilterError(`${key} has no unit ${unit}: ${example}`, from + digits.length, end);
  const limit = Number(digits) * (unit ? units[unit] : bare), compare = SIGNS[sign];
  return (row, now) => compare(value(row, now), limit);
}

const anywhere = (text) => (row, now) => Object.values(MATCHED).some((column) => column(row, now).toLowerCase().includes(text));
