// How one connection's round trip, throughput and congestion window went over its life.

import { element, part } from './dom.js';
import { both, seconds } from './format.js';

const WIDTH = 250, HEIGHT = 24;

// A sample is [at, bytes in, bytes out, round trip, congestion window]; bytes are counted from the start.
export function trend(samples) {
  const asked = samples.filter((sample) => sample[3] > 0), shown = [];
  if (asked.length > 1) {
    const trips = asked.map((sample) => sample[3]);
    shown.push(titled('round trip', `${seconds(Math.min(...trips))} – ${seconds(Math.max(...trips))}`), spark([['rtt', asked.map((s) => [s[0], s[3]])]], samples));
    const windows = asked.map((sample) => sample[4]);
    if (Math.max(...windows)) shown.push(titled('cwnd', `${Math.min(...windows)} – ${Math.max(...windows)} segments`), spark([['cwnd', asked.map((s) => [s[0], s[4]])]], samples));
  }
  const [into, out] = [1, 2].map((i) => rates(samples, i));
  if (into.length > 1) {
    const peak = (points) => Math.max(...points.map((point) => point[1]));
    shown.push(titled('peak', both(peak(into), peak(out))), spark([['in', into], ['out', out]], samples));
  }
  return shown;
}

// [time, bytes a second] between each two samples
export function rates(samples, i) {
  return samples.slice(1).map((sample, k) => [sample[0], Math.max(0, sample[i] - samples[k][i]) / Math.max(sample[0] - samples[k][0], 1e-3)]);
}

const titled = (text, numbers) => element('h3', {}, text, element('b', { textContent: numbers }));

function spark(lines, samples) {
  const start = samples[0][0], span = samples.at(-1)[0] - start || 1;
  const most = Math.max(...lines.flatMap(([, points]) => points.map((point) => point[1]))) || 1;
  const x = (at) => ((at - start) / span * WIDTH).toFixed(1), y = (value) => (HEIGHT - value / most * (HEIGHT - 3)).toFixed(1);
  const svg = part('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT + 2}`, preserveAspectRatio: 'none', class: 'spark', 'aria-hidden': true });
  for (const [name, points] of lines) svg.append(part('path', { class: `line ${name}`, d: `M${points.map(([at, value]) => `${x(at)} ${y(value)}`).join('L')}` }));
  return svg;
}
