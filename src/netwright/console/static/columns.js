// The table's columns, and which of them a width has room for.

import { bound, SHORT } from './bound.js';
import { bytes, count, seconds } from './format.js';

export const GAP = 10, PADDING = 20; // px between two columns, and at both ends of a row together
const QUEUED = 65536; // bytes waiting in the kernel that are worth a word
const SLOW = { handler: 1, 'peer to read': 1 }; // seconds of a wait that is worth a colour

export const age = (row, now) => (row.closed || now) - row.opened;
export const waited = (row, now) => row.waiting ? now - row.waiting_since : -1;

// name: what the head says; key: its name in the URL, as in the API's sort; worth: the least one leaves first;
// least: px it needs, wants: px it gets before a column of less worth appears; grow: its share of what is left; number: right-aligned, sorted the largest first
export const COLUMNS = [
  { name: '#', key: 'number', worth: 3, least: 40, number: true, value: (r) => r.opened, text: (r) => String(r.number) },
  { name: 'peer', key: 'peer', worth: 14, least: 138, grow: 0.5, value: (r) => r.peer, text: (r) => (r.role === 'connected' ? '→ ' : '') + r.peer },
  { name: 'service', key: 'svc', worth: 11, least: 52, grow: 0.2, value: (r) => r.service, text: (r) => r.service },
  { name: 'proto', key: 'proto', worth: 2, least: 58, value: (r) => r.protocol, text: (r) => r.protocol },
  { name: 'state', key: 'state', worth: 12, least: 102, value: (r) => r.state, text: (r) => r.state, look: (r) => r.tone },
  { name: 'age', key: 'age', worth: 10, least: 54, number: true, value: age, text: (r, now) => seconds(age(r, now)) },
  { name: 'rtt', key: 'rtt', worth: 9, least: 54, number: true, value: (r) => r.rtt, text: (r) => r.rtt ? seconds(r.rtt) : '' },
  { name: 'cwnd', key: 'cwnd', worth: 1, least: 34, number: true, value: (r) => r.cwnd, text: (r) => r.cwnd ? String(r.cwnd) : '', look: (r) => (r.cwnd && r.cwnd < 10 ? 'warn' : '') },
  { name: 'rtx', key: 'rtx', worth: 5, least: 28, number: true, value: (r) => r.rtx, text: (r) => r.rtx ? count(r.rtx) : '', look: (r) => (r.rtx ? 'warn' : '') },
  { name: 'in', key: 'in', worth: 7, least: 64, number: true, value: (r) => r.bytes_in, text: (r) => bytes(r.bytes_in) },
  { name: 'out', key: 'out', worth: 7, least: 64, number: true, value: (r) => r.bytes_out, text: (r) => bytes(r.bytes_out) },
  { name: 'msgs', key: 'messages', worth: 4, least: 36, number: true, value: (r) => r.messages, text: (r) => r.messages ? count(r.messages) : '' },
  { name: 'bound by', key: 'bound', worth: 8, least: 98, value: bound, text: (r, now) => SHORT[bound(r, now)] ?? bound(r, now), look: () => 'quiet' },
  { name: 'last message', key: 'subject', worth: 6, least: 96, grow: 0.8, value: (r) => r.subject, text: (r) => r.subject },
  { name: 'waits for · why it ended', key: 'waited', worth: 15, least: 172, wants: 246, grow: 1.5, number: true, left: true, value: waited, text: says, look: tone },
];

// The columns that have room in ``width`` px: those of the greatest worth, in the order of the table.
export function fitting(width) {
  let room = width - PADDING + GAP;
  const chosen = new Set();
  for (const column of COLUMNS.toSorted((a, b) => b.worth - a.worth)) {
    room -= (column.wants ?? column.least) + GAP;
    if (room < 0 && chosen.size >= 2) break;
    chosen.add(column);
  }
  return COLUMNS.filter((column) => chosen.has(column));
}

export const template = (columns) => columns.map(({ least, wants, grow }) => grow ? `minmax(${least}px, ${Math.round((wants ?? least) + 200 * grow)}fr)` : `${least}px`).join(' ');

// The column and direction of the URL's ``sort``: numbers the largest first, text by the alphabet, "-" the other way.
export function parseSort(text) {
  const column = COLUMNS.find(({ key }) => key === text.replace(/^-/, '')) ?? COLUMNS[0];
  return { column, down: Boolean(column.number) !== text.startsWith('-') };
}

export function formatSort(column, down) {
  const text = `${down === Boolean(column.number) ? '' : '-'}${column.key}`;
  return text === COLUMNS[0].key ? '' : text;
}

export function says(row, now) {
  if (row.closed || row.note) return row.note || row.state;
  const queued = row.unread > QUEUED ? ` · ${bytes(row.unread)} unread` : row.unsent > QUEUED ? ` · ${bytes(row.unsent)} unsent` : '';
  return row.waiting ? `${row.waiting} ${seconds(waited(row, now))}${queued}` : '';
}

export function tone(row, now) {
  if (row.closed) return row.tone;
  const slow = waited(row, now) > (SLOW[row.waiting] ?? Infinity);
  return slow || row.unread > QUEUED || row.unsent > QUEUED ? 'warn' : '';
}
