import { equal, near, row, STATIC, test } from './harness.js';

const { median, Series, SPREAD, spread, WINDOW } = await import(`${STATIC}/series.js`);
const all = () => true;
const at = (time, changes = {}) => row({ at: time, ...changes });

test('shares of a stretch lie in the seconds that it touches and add up to one', () => {
  equal(spread(10, 11), [[10, 1]]);
  equal(spread(10.5, 11.5), [[10, 0.5], [11, 0.5]]);
  equal(spread(10.25, 10.75), [[10, 1]]);
  equal(spread(10, 12), [[10, 0.5], [11, 0.5]]);
  equal(spread(10, 10), [[10, 1]]);
  near(spread(10.3, 14.9).reduce((sum, [, share]) => sum + share, 0), 1);
});

test('the median of an even number lies between the middle two', () => equal([[3], [1, 2], [3, 1, 2], [4, 1, 3, 2]].map(median), [3, 1.5, 2, 2.5]));

test('a steady connection that is reported late is drawn as a steady one', () => {
  const series = new Series(), times = [100, 100.25, 102.25, 102.5, 104, 104.25, 106, 107, 108];
  let before = at(100);
  series.note(before, before, 100);
  for (const time of times.slice(1)) {
    const now = at(time, { messages: (time - 100) * 200, bytes_in: (time - 100) * 1000 });
    series.note(now, before, time);
    before = now;
  }
  const points = series.points(107, all);
  equal(points.map((point) => point.at), [101, 102, 103, 104, 105, 106, 107]);
  for (const point of points) { near(point.messages, 200, 1e-6); near(point.in, 1000, 1e-6); }
});

test('a gain after a long rest is spread over two seconds at most', () => {
  const series = new Series(), first = at(100);
  series.note(first, first, 100);
  series.note(at(160, { messages: 8 }), first, 160);
  equal(series.points(160, all).filter((point) => point.messages).map((point) => [point.at, point.messages]), [[160 - SPREAD, 4], [159, 4]]);
});

test('what a connection moved before the page was there is not counted as new, what a new one moved is', () => {
  const series = new Series();
  series.note(at(1100, { opened: 900, bytes_in: 5e9 }), undefined, 1100);
  series.note(at(1101.5, { id: '7.2', opened: 1101.4, bytes_in: 10 }), undefined, 1101.5);
  equal(series.points(1101, all).reduce((sum, point) => sum + point.in, 0), 10);
});

test('counters that fall are no negative traffic', () => {
  const series = new Series(), first = at(100, { bytes_in: 50 });
  series.note(first, first, 100);
  series.note(at(101.5, { bytes_in: 10, bytes_out: 3 }), first, 101.5);
  const points = series.points(101, all);
  equal([points.reduce((sum, point) => sum + point.in, 0), points.every((point) => point.out >= 0)], [0, true]);
});

test('only rows that match count, in every curve', () => {
  const series = new Series(), one = at(100), two = at(100, { id: '7.2' });
  series.note(one, one, 100);
  series.note(at(102, { messages: 2, rtt: 0.1, rtx: 1 }), { ...one, at: 101 }, 102);
  series.note(at(102, { id: '7.2', messages: 5, rtt: 0.3 }), { ...two, at: 101 }, 102);
  const point = (matches) => series.points(101, matches).at(-1);
  equal(point(all), { at: 101, in: 0, out: 0, messages: 7, rtx: 1, median: 0.2, worst: 0.3 });
  equal(point((id) => id === '7.2'), { at: 101, in: 0, out: 0, messages: 5, rtx: 0, median: 0.3, worst: 0.3 });
  equal(point(() => false), { at: 101, in: 0, out: 0, messages: 0, rtx: 0, median: null, worst: null });
});

test('a round trip is a sample of the second in which it was measured, not of those after it', () => {
  const series = new Series(), first = at(100);
  series.note(first, first, 100);
  series.note(at(101.5, { rtt: 0.05 }), { ...first, at: 101.2 }, 101.5);
  series.note(at(103.5, { rtt: 0.05 }), at(102.5, { rtt: 0.05 }), 103.5);
  equal(series.points(103, all).map((point) => point.median), [0.05, null, null]);
});

test('the window moves: seconds older than it are forgotten', () => {
  const series = new Series(), first = at(100);
  series.note(first, first, 100);
  series.note(at(102, { messages: 4 }), { ...first, at: 101 }, 102);
  equal(series.points(101, all).at(-1).messages, 4);
  equal(series.points(101 + WINDOW - 1, all)[0].messages, 4);
  equal(series.points(101 + WINDOW, all).length, WINDOW);
  equal(series.points(101 + WINDOW, all).some((point) => point.messages > 0), false);
});

test('nothing is known before the first sample', () => equal(new Series().points(1000, all), []));
