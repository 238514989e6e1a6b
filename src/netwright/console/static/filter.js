// The filter words of console/query.py, the same for the page; tests/console/filter_cases.json runs both.

import { bound } from './bound.js';

const MATCHED = {
  state: (r) => r.state, svc: (r) => r.service, peer: (r) => r.peer, proto: (r) => r.protocol, wait: (r) => r.waiting,
  role: (r) => r.role, worker: (r) => String(r.worker), note: (r) => r.note, subject: (r) => r.subject, tone: (r) => r.tone, tcp: (r) => r.tcp, bound,
};
const COMPARED = {
  age: (r, now) => (r.closed || now) - r.opened,
  waited: (r, now) => r.waiting ? now - r.waiting_since : 0,
  in: (r) => r.bytes_in, out: (r) => r.bytes_out, messages: (r) => r.messages,
  rtt: (r) => r.rtt, cwnd: (r) => r.cwnd, rtx: (r) => r.rtx, retrans: (r) => r.rtx, unread: (r) => r.unread, unsent: (r) => r.unsent,
};
const BARE = { rtt: 1e-3 }; // what a number without unit counts in, where it is not 1
const UNITS = { '': 1, k: 1e3, m: 1e6, g: 1e9, s: 1, ms: 1e-3 };

// A test of a row and the time of day; throws an Error whose message is for people.
export function parseFilter(text) {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map(word);
  return (row, now) => tests.every((test) => test(row, now));
}

function word(text) {
  if (text.startsWith('-') && text.length > 1) {
    const test = word(text.slice(1));
    return (row, now) => !test(row, now);
  }
  const compared = /^([a-z]+)([<>])(\d+(?:\.\d+)?)(k|m|g|ms|s|)$/.exec(text);
  if (compared) return comparison(...compared.slice(1));
  const at = text.indexOf(':'), key = text.slice(0, at), wanted = text.slice(at + 1);
  if (at > 0 && Object.hasOwn(MATCHED, key)) return (row, now) => MATCHED[key](row, now).toLowerCase().includes(wanted);
  if (at > 0 && /^[a-z]+$/.test(key)) throw new Error(`no column ${key}: ${Object.keys(MATCHED).join(' ')}`);
  return (row, now) => Object.values(MATCHED).some((column) => column(row, now).toLowerCase().includes(text));
}

function comparison(key, sign, number, unit) {
  if (!Object.hasOwn(COMPARED, key)) throw new Error(`no number ${key}: ${Object.keys(COMPARED).join(' ')}`);
  const value = COMPARED[key], limit = Number(number) * (unit ? UNITS[unit] : BARE[key] ?? 1);
  return sign === '<' ? (row, now) => value(row, now) < limit : (row, now) => value(row, now) > limit;
}
