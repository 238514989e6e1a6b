// The three charts above the table: round trip, throughput, messages with retransmissions.

import { Chart } from './chart.js';
import { $ } from './dom.js';
import { bits, both, count, plural, seconds } from './format.js';
import { WINDOW } from './series.js';

const whole = (n) => Number.isInteger(n) ? count(n) : n.toFixed(n < 10 ? 1 : 0);
const CHARTS = {
  rtt: {
    lines: [['worst', (p) => p.worst], ['median', (p) => p.median]],
    axis: seconds,
    says: (p) => p.median === null ? 'not measured' : `${seconds(p.median)} · worst ${seconds(p.worst)}`,
  },
  throughput: { least: 1e3, lines: [['in', (p) => p.in * 8], ['out', (p) => p.out * 8]], axis: (n) => bits(n / 8).replace('.0 ', ' '), says: (p) => both(p.in, p.out) },
  messages: {
    lines: [['messages', (p) => p.messages], ['rtx', (p) => p.rtx]],
    axis: whole,
    says: (p) => `${whole(p.messages)}/s${p.rtx >= 0.05 ? ` · ${plural(Math.ceil(p.rtx), 'retransmission')}` : ''}`,
  },
};

// Of the time before the page was opened, and of all connections together, the console's own history is known.
export function joined(points, history, filtered) {
  if (filtered) return points;
  const known = new Map(points.map((point) => [point.at, point]));
  return history.slice(-WINDOW).map(([at, , bytesIn, bytesOut, messages, , rtx, rtt, worst]) =>
    ({ median: rtt || null, worst: worst || null, ...known.get(at), at, in: bytesIn, out: bytesOut, messages, rtx }));
}

export class Charts {
  #charts = Object.entries(CHARTS).map(([name, chart]) => new Chart($(`chart-${name}`), $(`now-${name}`), chart, (at) => this.#hover(at)));

  // ``since``: the time from which on the values are known; 0: all of the window.
  draw(points, until, since) {
    for (const chart of this.#charts) chart.draw(points, until - WINDOW + 1, until, since);
  }

  #hover(at) {
    for (const chart of this.#charts) chart.hover(at);
  }
}
