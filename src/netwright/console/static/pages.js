// Services and workers: what the rows add up to.  A click filters the connections.

import { bytes, count, element, seconds } from './format.js';

function table(box, names, lines, pick) {
  const head = element('tr', {}, ...names.map((name) => element('th', { textContent: name.replace('>', ''), className: name.endsWith('>') ? 'n' : '' })));
  const body = lines.map(([word, cells]) => element('tr', { onclick: () => pick(word) },
    ...cells.map(([text, look = ''], i) => element('td', { textContent: text, className: `${names[i].endsWith('>') ? 'n ' : ''}${look}` }))));
  box.replaceChildren(element('table', { className: 'plain' }, element('thead', {}, head), element('tbody', {}, ...body)));
}

export function services(box, feed, pick) {
  const sums = new Map();
  for (const row of feed.rows.values()) {
    const sum = sums.get(row.service) ?? { live: 0, over: 0, bad: 0, bytesIn: 0, bytesOut: 0, messages: 0 };
    sums.set(row.service, sum);
    sum[row.closed ? 'over' : 'live'] += 1;
    sum.bad += row.tone === 'bad' || (row.closed > 0 && row.tone === 'warn');
    sum.bytesIn += row.bytes_in;
    sum.bytesOut += row.bytes_out;
    sum.messages += row.messages;
  }
  const lines = [...sums].sort().map(([name, s]) => [`svc:${name}`, [
    [name || '—'], [count(s.live)], [count(s.over)], [s.bad || '', 'warn'], [count(s.messages)], [bytes(s.bytesIn)], [bytes(s.bytesOut)],
  ]]);
  table(box, ['service', 'live>', 'closed>', 'ended badly>', 'messages>', 'in>', 'out>'], lines, pick);
}

export function workers(box, feed, pick) {
  const lines = feed.workers.map((w) => [`worker:${w.pid}`, [
    [w.pid], [w.program], w.gone ? w.in_order ? ['ended', 'quiet'] : [`died ${seconds(feed.now() - w.gone)} ago`, 'bad'] : ['live', 'good'],
    [w.engine], [w.python], [count(w.totals.accepted ?? 0)], [count(w.totals.connected ?? 0)], [w.lost || '', 'warn'],
  ]]);
  table(box, ['pid', 'program', 'state', 'engine', 'python', 'accepted>', 'connected>', 'not told>'], lines, pick);
}
