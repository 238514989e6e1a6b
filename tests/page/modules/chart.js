import { equal, near, node, STATIC, test } from './harness.js';

const { Chart, line, moments, ticks } = await import(`${STATIC}/chart.js`);
const { joined } = await import(`${STATIC}/charts.js`);
const { clock } = await import(`${STATIC}/format.js`);

test('ticks are round, begin at 0 and reach the largest value', () => {
  equal(ticks(10, 2), [0, 5, 10]);
  equal(ticks(9.9, 2), [0, 5, 10]);
  equal(ticks(10.1, 2), [0, 10, 20]);
  equal(ticks(1, 1), [0, 1]);
  equal(ticks(200, 2), [0, 100, 200]);
  for (const most of [1e-9, 0.0123, 0.5, 1, 7, 99, 100, 101, 12345, 9.99e9]) {
    const marks = ticks(most, 3);
    if (marks.at(-1) < most * (1 - 1e-6) || marks.length > 7 || marks.length < 2) throw new Error(`${most}: ${marks}`);
    near(marks[1] * (marks.length - 1), marks.at(-1), 1e-6 * marks.at(-1));
  }
});

test('a line breaks where nothing was sampled for more than ten seconds', () => {
  const same = (n) => n;
  equal(line([[0, 1], [10, 2]], same, same), 'M-1.0 1.0L0.0 1.0L10.0 2.0');
  equal(line([[0, 1], [11, 2]], same, same), 'M-1.0 1.0L0.0 1.0M10.0 2.0L11.0 2.0');
  equal(line([[0, 1], [5, null], [9, 2]], same, same), 'M-1.0 1.0L0.0 1.0L9.0 2.0');
  equal(line([[0, null]], same, same), '');
});

test('the time axis has as many labels as there is room for', () => {
  equal(moments(61, 119, 4), [75, 90, 105]);
  equal(moments(60, 120, 4), [60, 75, 90, 105, 120]);
  equal(moments(60, 120, 3), [60, 90, 120]);
  equal(moments(0, 3600, 1), [0, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300, 3600]);
});

test('without a filter the console\'s history is drawn, with the round trips that this page has seen', () => {
  const points = [{ at: 11, in: 1, out: 1, messages: 1, rtx: 2, median: 0.1, worst: 0.2 }];
  const history = [[10, 3, 100, 200, 5, 1, 3, 0.4, 0.5], [11, 3, 101, 201, 6, 1, 4, 0.4, 0.5], [12, 3, 0, 0, 0, 0, 0, 0, 0]];
  equal(joined(points, history, true), points);
  equal(joined(points, history, false).map((p) => [p.at, p.in, p.out, p.messages, p.rtx, p.median]), [[10, 100, 200, 5, 3, 0.4], [11, 101, 201, 6, 4, 0.1], [12, 0, 0, 0, 0, null]]);
});

test('beside a chart stands the newest value, for as long as its line would not break', () => {
  const says = node('b'), chart = new Chart(node('div'), says, { lines: [['v', (point) => point.v]], axis: String, says: (point) => `v ${point.v}` }, () => {});
  const shown = (points, to) => { chart.draw(points, 0, to); return says.textContent; };
  equal([shown([{ at: 90, v: 1 }], 99), shown([{ at: 90, v: 1 }], 100), shown([{ at: 90, v: 1 }], 101)], ['v 1', 'v 1', '']);
  equal(shown([{ at: 90, v: 1 }, { at: 95, v: null }], 95), 'v 1');
});

test('no label of the time axis is cut by the edges of the chart', () => {
  const box = Object.assign(node('div'), { clientWidth: 470, clientHeight: 100 }), chart = new Chart(box, node('b'), { lines: [], axis: String, says: String }, () => {});
  const labels = (from, to) => {
    chart.draw([], from, to);
    return box.all('text').filter((text) => text.getAttribute('text-anchor') === 'middle').map((text) => Number(text.getAttribute('x')));
  };
  equal(labels(0, 180).map(Math.round), [135, 201, 266, 331, 397]); // 0 s and 180 s stand at 70 and 462 px
  for (let from = 0; from < 60; from++) if (labels(from, from + 180).some((x) => x < 94 || x > 446)) throw new Error(`${from}: ${labels(from, from + 180)}`);
});

test('a chart says from when on its values are known, where there is room before them', () => {
  const box = Object.assign(node('div'), { clientWidth: 470, clientHeight: 100 }), chart = new Chart(box, node('b'), { lines: [['v', (point) => point.v]], axis: String, says: String }, () => {});
  const says = (since) => {
    chart.draw([{ at: since || 1, v: 6 }], 0, 180, since);
    return box.all('text').map((text) => text.textContent).filter((text) => text.startsWith('known'));
  };
  equal([says(0), says(30), says(170)], [[], [], [`known since ${clock(170)}`]]);
});

test('a chart has a tick for each 30 px, and at least one above 0', () => {
  const box = Object.assign(node('div'), { clientWidth: 470 }), chart = new Chart(box, node('b'), { lines: [['v', (point) => point.v]], axis: String, says: String }, () => {});
  const marks = (clientHeight) => {
    box.clientHeight = clientHeight;
    chart.draw([{ at: 1, v: 6 }], 0, 2);
    return box.all('text').filter((text) => text.getAttribute('text-anchor') === 'end').map((text) => text.textContent);
  };
  equal([marks(24 + 90), marks(24 + 180), marks(30)], [['0', '2', '4', '6'], ['0', '1', '2', '3', '4', '5', '6'], ['0', '10']]);
});
