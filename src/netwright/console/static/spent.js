// Where the seconds of one connection went, as a stacked bar, and how its round trip and its bytes moved.

import { bytes, element, part, seconds } from './format.js';

const LOOKS = { 'name lookup': 'a0', peer: 'a2', you: 'a3', network: 'a7', kernel: 'a6' }; // by the party that has to act
const WIDTH = 250, HEIGHT = 24;

export function ledger(box, shares) {
  const look = (share) => LOOKS[share.party] ?? '';
  const stack = shares.map((share) => {
    const piece = element('i', { className: look(share), title: `${share.cause} (${share.party})` });
    piece.style.flexGrow = share.share;
    return piece;
  });
  box.replaceChildren(element('div', { className: 'ledger' }, element('h3', {}, 'its time'), element('div', { className: 'stack' }, ...stack),
    ...shares.map((share) => element('p', {}, element('i', { className: look(share) }), share.cause,
      element('b', { textContent: `${seconds(share.seconds)} ${percent(share.share)}` })))));
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
