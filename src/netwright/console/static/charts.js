// The three charts above the table, one point a second; the cursor is shared.

import uPlot from './vendor/uPlot.esm.js';
import { bytes, count } from './format.js';

const $ = (id) => document.getElementById(id);
const MUTED = '#6b7388', FONT = '10px ui-monospace, monospace';
const WINDOW = 180; // seconds in sight

const CHARTS = [
  ['connections', [['#f2b866', (p) => p[1]]], (n) => count(n), (p) => count(p[1])],
  ['bytes', [['#7ab7ff', (p) => p[2]], ['#7be0a2', (p) => p[3]]], (n) => bytes(n).replace('.0', ''), (p) => `${bytes(p[2])}/s · ${bytes(p[3])}/s`],
  ['messages', [['#b69cff', (p) => p[4]]], (n) => count(n), (p) => count(p[4])],
];

function make(name, series, axis) {
  const box = $(`chart-${name}`);
  const plot = new uPlot({
    width: box.clientWidth || 300, height: 90, padding: [6, 2, 0, 0], legend: { show: false },
    cursor: { sync: { key: 'time' }, points: { size: 5 }, drag: { x: false } },
    scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.15, 1)] } },
    axes: [
      { stroke: MUTED, grid: { show: false }, ticks: { show: false }, size: 18, font: FONT, space: 60, values: (_, ticks) => ticks.map(clock) },
      { stroke: MUTED, grid: { stroke: '#20253480' }, ticks: { show: false }, size: 46, font: FONT, space: 26, values: (_, ticks) => ticks.map((n) => Number.isInteger(n) ? axis(n) : '') },
    ],
    series: [{}, ...series.map(([stroke]) => ({ stroke, width: 1.3, fill: `${stroke}18`, points: { show: false } }))],
  }, [[], ...series.map(() => [])], box);
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 90 })).observe(box);
  return plot;
}

const clock = (at) => {
  const day = new Date(at * 1e3);
  return day.getSeconds() === 0 ? `${day.getHours()}:${String(day.getMinutes()).padStart(2, '0')}` : `:${String(day.getSeconds()).padStart(2, '0')}`;
};

export class Charts {
  #plots = CHARTS.map(([name, series, axis]) => make(name, series, axis));

  draw(history) {
    const points = history.slice(-WINDOW);
    if (!points.length) return;
    CHARTS.forEach(([name, series, , says], i) => {
      this.#plots[i].setData([points.map((p) => p[0]), ...series.map(([, value]) => points.map(value))]);
      const text = says(points.at(-1));
      if ($(`now-${name}`).textContent !== text) $(`now-${name}`).textContent = text;
    });
  }
}
