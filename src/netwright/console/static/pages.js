// Services, findings and workers: what the rows add up to.  A click filters the connections.

import { element, put } from './dom.js';
import { bytes, clock, count, seconds } from './format.js';

// The words of a filter that match ``text`` in column ``key``: a word ends at a space, so quotes keep one together.
export const word = (key, text) => /[\s"]/.test(text) || !text ? `${key}:"${text.replaceAll('"', '')}"` : `${key}:${text}`;

export function sumServices(rows) {
  const sums = new Map();
  for (const row of rows) {
    const sum = sums.get(row.service) ?? { live: 0, closed: 0, bad: 0, in: 0, out: 0, messages: 0 };
    sums.set(row.service, sum);
    sum[row.closed ? 'closed' : 'live'] += 1;
    sum.bad += endedBadly(row);
    sum.in += row.bytes_in;
    sum.out += row.bytes_out;
    sum.messages += row.messages;
  }
  return [...sums].sort(([a], [b]) => a < b ? -1 : 1);
}

// The one meaning of "ended badly", for the pill, the services and the findings.
export const endedBadly = (row) => row.closed > 0 && (row.tone === 'bad' || row.tone === 'warn');

// Connections that ended badly, by service and state; the most frequent first.
export function sumFindings(rows) {
  const sums = new Map();
  for (const row of rows) {
    if (!endedBadly(row)) continue;
    const key = `${row.service}\n${row.state}`;
    const sum = sums.get(key) ?? { service: row.service, state: row.state, tone: row.tone, count: 0, last: 0, note: '' };
    sums.set(key, sum);
    sum.count += 1;
    if (row.closed >= sum.last) [sum.last, sum.note] = [row.closed, row.note];
  }
  return [...sums.values()].sort((a, b) => b.count - a.count || b.last - a.last);
}

function table(box, names, lines, pick, empty) {
  if (!lines.length) return box.replaceChildren(element('p', { className: 'empty', textContent: empty }));
  const number = (i) => names[i].endsWith('>') ? 'n ' : '';
  const filters = lines.map(([filter]) => filter), known = box.querySelector('tbody');
  if (known && String(known.filters) === String(filters)) { // a click needs the same element under its press and its release
    lines.forEach(([, cells], row) => cells.forEach(([text, look = ''], i) => {
      const cell = known.rows[row].cells[i];
      if (i) put(cell, String(text), (number(i) + look).trim()); else put(cell.firstChild, String(text));
    }));
    return;
  }
  const head = element('tr', {}, ...names.map((name, i) => element('th', { textContent: name.replace('>', ''), className: number(i).trim(), scope: 'col' })));
  const body = lines.map(([filter, cells]) => element('tr', { onclick: () => pick(filter) }, ...cells.map(([text, look = ''], i) => element('td', { className: (number(i) + look).trim() },
    i ? String(text) : element('button', { textContent: text, title: `show ${filter}` })))));
  box.replaceChildren(element('table', { className: 'plain' }, element('thead', {}, head), element('tbody', { filters }, ...body)));
}

export function services(box, rows, now, pick) {
  const lines = sumServices(rows.all.values()).map(([name, sum]) => [word('svc', name), [
    [name || '—'], [count(sum.live)], [count(sum.closed)], [sum.bad || '', 'warn'], [count(sum.messages)], [bytes(sum.in)], [bytes(sum.out)],
  ]]);
  table(box, ['service', 'live>', 'closed, kept>', 'ended badly>', 'messages>', 'in>', 'out>'], lines, pick, 'no service has had a connection yet');
}

export function findings(box, rows, now, pick) {
  const lines = sumFindings(rows.all.values()).map((sum) => [`${word('svc', sum.service)} ${word('state', sum.state)}`, [
    [sum.state], [sum.service], [count(sum.count)], [clock(sum.last)], [sum.note, sum.tone],
  ]]);
  table(box, ['how it ended', 'service', 'kept>', 'last>', 'the last one, in its words'], lines, pick, 'no connection ended badly');
}

export function workers(box, rows, now, pick) {
  const lines = rows.workers.map((worker) => [`worker:${worker.pid}`, [
    [worker.pid], [worker.program], worker.gone ? worker.in_order ? ['ended', 'quiet'] : [`died ${seconds(Math.max(0, now - worker.gone))} ago`, 'bad'] : ['live', 'good'],
    [worker.engine], [worker.python], [count(worker.totals.accepted ?? 0)], [count(worker.totals.connected ?? 0)], [worker.lost || '', 'warn'],
  ]]);
  table(box, ['pid', 'program', 'state', 'engine', 'python', 'accepted>', 'connected>', 'not reported>'], lines, pick, 'no serving process is connected: netwright serve app.py');
}
