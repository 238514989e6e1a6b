// What could stand where the cursor is in the filter: columns, then values that the rows have.

import { COMPARED, MATCHED, words } from './filter.js';

export const MOST = 8; // options at once
const HINTS = {
  state: 'open, closed, reset, …', svc: 'service', peer: 'address of the peer', proto: 'protocol', wait: 'what it waits for', role: 'accepted, connected',
  worker: 'process id', note: 'why it ended', subject: 'last message', tone: 'bad, warn', tcp: 'state in the kernel', bound: 'what takes its time',
  age: 'seconds', waited: 'seconds', rtt: 'milliseconds', in: 'bytes', out: 'bytes', unread: 'bytes', unsent: 'bytes',
  messages: 'count', cwnd: 'segments', rtx: 'retransmissions', retrans: 'retransmissions',
};

// { from, to, options: [{ text, hint }] }: ``text`` replaces what stands from ``from`` to ``to``.
export function complete(text, cursor, rows, now) {
  const word = words(text).find((each) => each.start <= cursor && cursor <= each.end) ?? { text: '', start: cursor, end: cursor };
  const minus = /^-*/.exec(word.text)[0], typed = word.text.slice(minus.length).toLowerCase();
  const [, key, given] = /^([a-z]+):(.*)$/s.exec(typed) ?? [];
  const options = key && Object.hasOwn(MATCHED, key) ? values(key, given.replaceAll('"', ''), rows, now) : columns(typed);
  return { from: word.start, to: word.end, options: options.map((option) => ({ ...option, text: minus + option.text })).filter((option) => option.text !== word.text).slice(0, MOST) };
}

const columns = (typed) => [...Object.keys(MATCHED).map((key) => `${key}:`), ...Object.keys(COMPARED).map((key) => `${key}>`)]
  .filter((text) => text.startsWith(typed)).map((text) => ({ text, hint: HINTS[text.slice(0, -1)] }));

function values(key, given, rows, now) {
  const found = new Map();
  for (const row of rows) {
    const value = MATCHED[key](row, now).toLowerCase();
    if (value && value.includes(given)) found.set(value, (found.get(value) ?? 0) + 1);
  }
  const later = (value) => Number(!value.startsWith(given));
  return [...found].sort((a, b) => later(a[0]) - later(b[0]) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST + 1)
    .map(([value, count]) => ({ text: `${key}:${/\s/.test(value) ? `"${value}"` : value}`, hint: `${count}` }));
}

// The text and the cursor after an option was taken; a column waits for its value, a value ends its word.
export function accept(text, { from, to }, option) {
  const rest = text.slice(to), ends = !/[:>]$/.test(option), gap = ends && !rest.startsWith(' ') ? ' ' : '';
  return { text: text.slice(0, from) + option + gap + rest, cursor: from + option.length + (ends ? 1 : 0) };
}
