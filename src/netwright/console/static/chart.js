// One line chart as SVG: axes with units, the value under the pointer, nothing else.

import { part, put } from './dom.js';
import { clock } from './format.js';

const LEFT = 70, RIGHT = 8, TOP = 8, BOTTOM = 16;
const UNKNOWN = 135; // px that "known since 13:53:20" needs
const GAP = 10; // seconds without a sample after which the line is broken
const STEPS = [1, 2, 5];

// Round numbers from 0 to at least ``most``; binary thinking is for memory, networks count in tens.
export function ticks(most, wanted) {
  const rough = Math.max(most, 1e-9) / wanted, scale = 10 ** Math.floor(Math.log10(rough));
  const step = scale * (STEPS.find((each) => each * scale >= rough * (1 - 1e-9)) ?? 10);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 || 1 }, (_, i) => i * step);
}

// ``points`` are [time, value or null]; a lonely sample is drawn as a short stroke.
export function line(points, x, y) {
  let text = '', last = -Infinity;
  for (const [at, value] of points) {
    if (value === null) continue;
    text += `${at - last > GAP ? `M${(x(at) - 1).toFixed(1)} ${y(value).toFixed(1)}` : ''}L${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    last = at;
  }
  return text;
}

// Seconds at which the time axis is labelled.
export function moments(from, to, room) {
  const step = [15, 30, 60, 120].find((each) => (to - from) / each <= room) ?? 300;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}

export class Chart {
  #box; #now; #lines; #axis; #says; #least; #hovered;
  #points = []; #from = 0; #to = 1; #since = 0;
  #cursor = null;

  // ``lines``: [class, value of a point]; ``axis``: text of a tick; ``says``: text of a point; ``least``: the top of an axis where all is 0.
  constructor(box, now, { lines, axis, says, least = 1 }, hovered) {
    [this.#box, this.#now, this.#lines, this.#axis, this.#says, this.#least, this.#hovered] = [box, now, lines, axis, says, least, hovered];
    box.addEventListener('pointermove', (event) => hovered(this.#timeAt(event.offsetX)));
    box.addEventListener('pointerleave', () => hovered(null));
    new ResizeObserver(() => this.draw(this.#points, this.#from, this.#to, this.#since)).observe(box);
  }

  #timeAt(x) {
    return Math.round(this.#from + (x - LEFT) / Math.max(1, this.#box.clientWidth - LEFT - RIGHT) * (this.#to - this.#from));
  }

  // ``since``: before it nothing is known, and the chart says so.
  draw(points, from, to, since = 0) {
    [this.#points, this.#from, this.#to, this.#since] = [points, from, to, since];
    const width = this.#box.clientWidth, height = this.#box.clientHeight;
    if (width < 20 || height < 20) return this.hover(this.#cursor);
    const known = this.#lines.flatMap(([, value]) => points.map(value)).filter((value) => value !== null);
    const marks = ticks(Math.max(0, ...known) || this.#least, Math.max(1, Math.round((height - TOP - BOTTOM) / 30)));
    const most = marks.at(-1) || 1;
    const x = (at) => LEFT + (at - from) / (to - from) * (width - LEFT - RIGHT);
    const y = (value) => height - BOTTOM - value / most * (height - TOP - BOTTOM);
    const svg = part('svg', { width, height, 'aria-hidden': true });
    for (const mark of marks) {
      svg.append(part('line', { x1: LEFT, x2: width - RIGHT, y1: y(mark), y2: y(mark), class: 'axis' }));
      svg.append(part('text', { x: LEFT - 6, y: Math.max(9, y(mark) + 3.5), 'text-anchor': 'end' }, this.#axis(mark)));
    }
    for (const at of moments(from, to, (width - LEFT) / 62)) {
      if (x(at) < LEFT + 24 || x(at) > width - 24) continue;
      svg.append(part('text', { x: x(at), y: height - 3, 'text-anchor': 'middle' }, clock(at).slice(at % 60 ? 5 : 0, at % 60 ? 8 : 5)));
    }
    for (const [look, value] of this.#lines) {
      svg.append(part('path', { class: `line ${look}`, d: line(points.map((point) => [point.at, value(point)]), x, y) }));
    }
    if (x(since) > LEFT + UNKNOWN) svg.append(part('text', { x: x(since) - 6, y: TOP + 14, 'text-anchor': 'end', class: 'since' }, `known since ${clock(since)}`));
    this.#box.replaceChildren(svg);
    this.hover(this.#cursor);
  }

  // Shows the values at ``at``, or for null the newest ones that are not older than a gap.
  hover(at) {
    this.#cursor = at;
    this.#box.querySelector('.cursor')?.remove();
    const known = (point) => this.#to - point.at <= GAP && this.#lines.some(([, value]) => value(point) !== null);
    const point = at === null ? this.#points.findLast(known) : this.#points.find((each) => each.at === at);
    const text = point ? `${at === null ? '' : `${clock(at)}  `}${this.#says(point)}` : at === null ? '' : 'no sample';
    put(this.#now, text);
    this.#box.setAttribute('aria-label', text);
    if (at === null || at < this.#from || at > this.#to) return;
    const x = LEFT + (at - this.#from) / (this.#to - this.#from) * (this.#box.clientWidth - LEFT - RIGHT);
    this.#box.firstChild?.append(part('line', { x1: x, x2: x, y1: TOP, y2: this.#box.clientHeight - BOTTOM, class: 'cursor' }));
  }
}

