// Where the bars of a life stand in a picture of some width.  Times are seconds on the worker's clock.

import { seconds } from './format.js';

export const LINES = 10; // bars in sight
const LEFT = 52, RIGHT = 14, LETTER = 6.7; // px
const TAIL = 0.4; // share of the life that a wait at the end may take beyond it

export const ending = (bars, start) => Math.max(...bars.map((bar) => bar.end), start + 1e-4);

// A wait at the end that is longer than all before it would hide them: it runs out of the picture.
export function shortened(bars, start) {
  const end = ending(bars, start), before = ending(bars.slice(0, -1), start);
  return bars.length > 1 && bars.at(-1).tone === 'wait' ? Math.min(end, before + (before - start) * TAIL) : end;
}

// The bars from index ``from`` on, or the last ones for null.
export function window(bars, from) {
  const first = Math.max(0, Math.min(from ?? bars.length, bars.length - LINES));
  return { first, seen: bars.slice(first, first + LINES) };
}

// Each bar with its place, and its label after, inside or before it: cut where none of them has room for it.  And the axis.
export function placed(seen, end, width) {
  const start = Math.min(...seen.map((bar) => bar.start));
  const x = (at) => LEFT + Math.min(1, (at - start) / (end - start)) * (width - LEFT - RIGHT);
  const bars = seen.map((bar) => {
    const left = x(bar.start), wide = Math.max(3, x(bar.end) - left);
    const rooms = { after: width - left - wide - 8, inside: wide - 12, before: left - LEFT - 8 }, needed = bar.label.length * LETTER;
    const widest = Object.keys(rooms).reduce((a, b) => rooms[b] > rooms[a] ? b : a);
    const where = Object.keys(rooms).find((name) => rooms[name] >= needed) ?? widest;
    const at = { after: left + wide + 6, inside: left + 6, before: left - 6 }[where];
    const label = rooms[where] >= needed ? bar.label : `${bar.label.slice(0, Math.max(0, Math.floor(rooms[where] / LETTER) - 1))}…`;
    return { ...bar, left, wide, at, label, full: bar.label, anchor: where === 'before' ? 'end' : 'start', inside: where === 'inside' };
  });
  const marks = Math.max(2, Math.min(6, Math.floor((width - LEFT) / 90)));
  const axis = Array.from({ length: marks + 1 }, (_, k) => {
    const at = k * (end - start) / marks;
    return { x: x(start + at), text: seconds(at), anchor: k === marks ? 'end' : k ? 'middle' : 'start' };
  });
  return { bars, axis };
}
