// Where the seconds of one connection went, as two stacked bars, and how its round trip and its bytes moved.

import { SHORT } from './bound.js';
import { bytes, element, part, seconds } from './format.js';

const ACCOUNTS = ['name lookup', 'peer to answer SYN', 'peer to send', 'handler', 'peer to read', "receiver's window", 'send buffer', 'path: congestion window', 'nothing to send'];
const WIDTH = 250, HEIGHT = 24;

export function ledger(box, told) {
  box.replaceChildren(...[['program waited for', told.program], ['kernel’s sender was held by', told.kernel]]
    .filter(([, shares]) => shares.length).map(([title, shares]) => account(title, shares)));
}

function account(title, shares) {
  const all = shares.reduce((sum, share) => sum + share.seconds, 0);
  const look = (share) => `a${ACCOUNTS.indexOf(share.account)}`;
  const stack = shares.map((share) => {
    const piece = element('i', { className: look(share), title: share.account });
    piece.style.flexGrow = share.seconds / all;
    return piece;
  });
  return element('div', { className: 'ledger' }, element('h3', {}, title, element('b', { textContent: seconds(all) })),
    element('div', { className: 'stack' }, ...stack),
    ...shares.toSorted((a, b) => b.seconds - a.seconds).map((share) => element('p', {}, element('i', { className: look(share) }), SHORT[share.account] ?? share.account,
      element('b', { textContent: `${seconds(share.seconds)} ${percent(share.seconds / all)}` }))));
}

const percent = (share) => `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`.padStart(6, '\u2007');

// A sample is [at, bytes in, bytes out, round trip, congestion window].
export function trend(box, samples) {
  const shown = [];
  const asked = samples.filter((s) => s[3] > 0);
  if (asked.length > 1) {
    const most = Math.max(...asked.map((s) => s[3])), least = Math.min(...asked.map((s) => s[3]));
    shown.push(title('round trip', `${seconds(least)} – ${seconds(most)}`), spark([['rtt', asked.map((s) => [s[0], s[3]])]], samples));
  }
  const [into, out] = [1, 2].map((i) => rates(samples, i));
  if (into.length > 1) {
    const peak = (points) => Math.max(...points.map((p) => p[1]));
    shown.push(title('throughput', `${bytes(Math.round(peak(into)))}/s in · ${bytes(Math.round(peak(out)))}/s out`), spark([['in', into], ['out', out]], samples));
  }
  box.replaceChildren(...shown);
}

const rates = (samples, i) => samples.slice(1).map((s, k) => [s[0], (s[i] - samples[k][i]) / Math.max(s[0] - samples[k][0], 1e-3)]);
const title = (text, numbers) => element('h3', {}, text, element('b', { textContent: numbers }));

function spark(lines, samples) {
  const start = samples[0][0], span = samples.at(-1)[0] - start || 1;
  const most = Math.max(...lines.flatMap(([, points]) => points.map((p) => p[1]))) || 1;
  const x = (at) => ((at - start) / span * WIDTH).toFixed(1), y = (value) => (HEIGHT - value / most * (HEIGHT - 3)).toFixed(1);
  const svg = part('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT + 2}`, preserveAspectRatio: 'none', class: 'spark' });
  for (const [name, points] of lines) svg.append(part('path', { class: name, d: `M${points.map(([at, value]) => `${x(at)} ${y(value)}`).join('L')}` }));
  return svg;
}
