import { equal, near, STATIC, test } from './harness.js';

const { ending, LINES, placed, shortened, window } = await import(`${STATIC}/waterfall.js`);
const { rates } = await import(`${STATIC}/trend.js`);
const bar = (start, end, label = 'x', tone = 'data') => ({ lane: 'in', label, start, end, tone });

test('the sight follows the end, or stays where it was put', () => {
  const bars = (n) => Array.from({ length: n }, (_, i) => bar(i, i));
  for (const n of [0, 1, LINES - 1, LINES]) equal([window(bars(n), null).first, window(bars(n), null).seen.length], [0, n]);
  equal([window(bars(LINES + 1), null).first, window(bars(LINES + 1), null).seen.length], [1, LINES]);
  equal([0, 3, 5, 6, 99].map((from) => window(bars(LINES + 5), from).first), [0, 3, 5, 5, 5]);
});

test('a long wait at the end runs out of the picture, another long bar does not', () => {
  near(shortened([bar(0, 1), bar(1, 100, 'x', 'wait')], 0), 1.4);
  near(shortened([bar(0, 1), bar(1, 1.2, 'x', 'wait')], 0), 1.2);
  near(shortened([bar(0, 1), bar(1, 100)], 0), 100);
  near(shortened([bar(0, 100, 'x', 'wait')], 0), 100);
  near(ending([bar(5, 5)], 5), 5.0001);
});

test('bars lie on one axis from the first start to the end', () => {
  const { bars, axis } = placed([bar(10, 12), bar(12, 14), bar(14, 14)], 14, 466);
  near(bars[0].left, 52);
  near(bars[0].wide, 200);
  near(bars[1].left, 252);
  equal(bars[2].wide, 3);
  equal([axis[0].text, axis.at(-1).text, axis[0].anchor, axis.at(-1).anchor], ['0 ms', '4.0 s', 'start', 'end']);
  near(axis.at(-1).x, 452);
});

test('a label stands after its bar, else in it, else before it, else it is cut where most room is', () => {
  const where = (start, end, label, width = 466) => placed([bar(0, 0), bar(start, end, label), bar(10, 10)], 10, width).bars[1];
  equal([where(0, 1, 'short').inside, where(0, 1, 'short').anchor], [false, 'start']);
  equal([where(0, 10, 'short').inside, where(9, 10, 'short').anchor], [true, 'end']);
  const cut = where(4, 6, 'a label that is much too long for any of the three places of this bar');
  equal([cut.label.endsWith('…'), cut.label.length < 30, cut.full.endsWith('this bar')], [true, true, true]);
  for (const [start, end] of [[0, 10], [0, 1], [4, 6], [9, 10], [10, 10]]) {
    for (const width of [200, 390, 900]) {
      const { at, anchor, label } = where(start, end, 'x'.repeat(60), width), length = label.length * 6.7;
      equal([anchor === 'start' ? at + length <= width + 1 : at <= width, anchor === 'end' ? at - length >= 40 : true], [true, true]);
    }
  }
});

test('rates are differences over the time between', () => {
  equal(rates([[0, 0, 0], [2, 10, 4], [2.5, 10, 14]], 1), [[2, 5], [2.5, 0]]);
  equal(rates([[0, 0, 0], [2, 10, 4], [2.5, 10, 14]], 2), [[2, 2], [2.5, 20]]);
  equal(rates([[0, 9, 0], [1, 3, 0]], 1), [[1, 0]]);
  equal(rates([[0, 0, 0]], 1), []);
});
