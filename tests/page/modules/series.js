import { equal, near, row, STATIC, test } from './harness.js';

const { median, Series, SPREAD, spread, WINDOW } = await import(`${STATIC}/series.js`);
const all = () => true;

test('shares of a stretch lie in the seconds that it touches and add up to one; second N ends at N', () => {
  equal(spread(10, 11), [[11, 1]]);
  equal(spread(10.5, 11.5), [[11, 0.5], [12, 0.5]]);
  equal(spread(10.25, 10.75), [[11, 1]]);
  equal(spread(10, 12), [[11, 0.5], [12, 0.5]]);
  equal(spread(10, 10), [[10, 1]]);
  equal(spread(10.2, 10.2), [[11, 1]]);
  near(spread(10.3, 14.9).reduce((sum, [, share]) => sum + share, 0), 1);
});

test('the median of an even number lies between the middle two', () => equal([[3], [1, 2], [3, 1, 2], [4, 1, 3, 2]].map(median), [3, 1.5, 2, 2.5]));

const begin = (series) => {
  const first = row({ opened: 50 });
  series.note(first, first, 100, 100);
  return first;
};

test('a steady connection that is reported late is drawn as a steady one', () => {
  const series = new Series(), times = [100, 100.25, 102.25, 102.5, 104, 104.25, 106, 107, 108];
  let before = begin(series);
  times.slice(1).forEach((time, i) => {
    const now = row({ opened: 50, messages: (time - 100) * 200, bytes_in: (time - 100) * 1000 });
    series.note(now, before, time, times[i]);
    before = now;
  });
  const points = series.points(107, all);
  equal(points.map((point) => point.at), [101, 102, 103, 104, 105, 106, 107]);
  for (const point of points) { near(point.messages, 200, 1e-6); near(point.in, 1000, 1e-6); }
});

test('a gain is spread over what its worker took to report, three seconds at most', () => {
  const spreads = (since) => {
    const series = new Series(), first = begin(series);
    series.note(row({ opened: 50, messages: 6 }), first, 160, since);
    return series.points(160, all).filter((point) => point.messages).map((point) => [point.at, Math.round(point.messages * 1e6) / 1e6]);
  };
  equal(SPREAD, 3);
  equal(spreads(160), [[160, 6]]);
  equal(spreads(158), [[159, 3], [160, 3]]);
  equal(spreads(157), [[158, 2], [159, 2], [160, 2]]);
  equal(spreads(100), [[158, 2], [159, 2], [160, 2]]);
});

test('what a connection moved before the page was there is not counted as new, what a new one moved is', () => {
  const series = new Series();
  series.note(row({ opened: 900, bytes_in: 5e9 }), undefined, 1100, 1099);
  series.note(row({ id: '7.2', opened: 1101.4, bytes_in: 10 }), undefined, 1101.5, 1100);
  equal(series.points(1102, all).map((point) => point.in), [0, 10]);
});

test('counters that fall are no negative traffic', () => {
  const series = new Series(), first = begin(series);
  series.note(row({ bytes_in: 10, opened: 50 }), { ...first, bytes_in: 50 }, 101.5, 101.2);
  series.note(row({ bytes_in: 10, bytes_out: 3, opened: 50 }), { ...first, bytes_in: 50 }, 101.7, 101.5);
  equal(series.points(102, all).map((point) => [point.in, point.out]), [[0, 0], [0, 3]]);
});

test('only rows that match count, in every curve', () => {
  const series = new Series(), first = begin(series);
  series.note(row({ opened: 50, messages: 2, rtt: 0.1, rtx: 1 }), first, 102, 101);
  series.note(row({ opened: 50, id: '7.2', messages: 5, rtt: 0.3 }), first, 102, 101);
  const point = (matches) => series.points(102, matches).at(-1);
  equal(point(all), { at: 102, in: 0, out: 0, messages: 7, rtx: 1, median: 0.2, worst: 0.3 });
  equal(point((id) => id === '7.2'), { at: 102, in: 0, out: 0, messages: 5, rtx: 0, median: 0.3, worst: 0.3 });
  equal(point(() => false), { at: 102, in: 0, out: 0, messages: 0, rtx: 0, median: null, worst: null });
});

test('a round trip is a sample of the second in which it was measured, of no other', () => {
  const series = new Series(), first = begin(series), measured = { ...first, rtt: 0.05 };
  series.note({ ...measured, messages: 1 }, first, 102.5, 100.5);
  series.note({ ...measured, messages: 9 }, { ...measured, messages: 1 }, 103.5, 103.2);
  equal(series.points(104, all).map((point) => point.median), [null, null, 0.05, null].slice(-series.points(104, all).length));
  equal(series.points(104, all).find((point) => point.median).at, 103);
});

test('the window moves: seconds older than it are forgotten', () => {
  const series = new Series(), first = begin(series);
  series.note(row({ opened: 50, messages: 4 }), first, 102, 101);
  equal(series.points(102, all).at(-1).messages, 4);
  equal(series.points(102 + WINDOW - 1, all)[0].messages, 4);
  equal(series.points(102 + WINDOW, all).length, WINDOW);
  equal(series.points(102 + WINDOW, all).some((point) => point.messages > 0), false);
});

test('a page that was open for long forgets no second of its window', () => {
  const series = new Series(), rows = Array.from({ length: 400 }, (_, i) => row({ opened: 50, id: `7.${i}` }));
  begin(series);
  for (let second = 101; second <= 101 + 3 * WINDOW; second++) { // 216,000 entries in all, 72,000 of them in the window
    for (const each of rows) series.note({ ...each, messages: 1 }, each, second, second - 1);
    if (second % 60 === 0) series.points(second, () => false);
  }
  const points = series.points(101 + 3 * WINDOW, all);
  equal([points.length, Math.min(...points.map((point) => point.messages))], [WINDOW, 400]);
});

test('nothing is known before the first sample', () => equal(new Series().points(1000, all), []));
