import { equal, row, STATIC, test } from './harness.js';

const { anchored, compare, Place } = await import(`${STATIC}/place.js`);

const rows = (...numbers) => numbers.map((number) => row({ id: `7.${number}`, number, opened: 1000 + number }));
const book = (all) => (id) => all.find((each) => each.id === id);
const ids = (place) => place.rows.map((each) => each.number);

test('a table that nobody touches takes each new order', () => {
  const place = new Place();
  place.arrange(rows(2, 1), () => undefined, false);
  place.arrange(rows(3, 2, 1), () => undefined, false);
  equal([ids(place), place.waiting], [[3, 2, 1], 0]);
});

test('rows keep their places while the table is held, and new ones are counted', () => {
  const place = new Place(), all = rows(4, 3, 2, 1);
  place.arrange(rows(2, 1), book(all), false);
  place.arrange(rows(3, 2, 1), book(all), true);
  equal([ids(place), place.waiting], [[2, 1], 1]);
  place.arrange(rows(4, 3, 1, 2), book(all), true);
  equal([ids(place), place.waiting], [[2, 1], 2]);
});

test('held rows are the newest versions of themselves', () => {
  const place = new Place(), later = [row({ id: '7.1', bytes_in: 9 })];
  place.arrange(rows(1), book(later), false);
  place.arrange(later, book(later), true);
  equal(place.rows[0].bytes_in, 9);
});

test('a row that is gone or matches no more stays until the table is let go', () => {
  const place = new Place();
  place.arrange(rows(2, 1), book(rows(1)), false);
  place.arrange(rows(1), book(rows(1)), true);
  equal([ids(place), place.waiting], [[2, 1], 0]);
  place.arrange(rows(1), book(rows(1)), false);
  equal(ids(place), [1]);
});

test('letting go shows what waited, and holding again holds the new order', () => {
  const place = new Place(), all = rows(3, 2, 1);
  place.arrange(rows(1), book(all), false);
  place.arrange(rows(2, 1), book(all), true);
  place.arrange(rows(2, 1), book(all), false);
  equal([ids(place), place.waiting], [[2, 1], 0]);
  place.arrange(rows(3, 2, 1), book(all), true);
  equal([ids(place), place.waiting], [[2, 1], 1]);
});

test('a release takes one new order though the table is held, an empty table the first rows', () => {
  const place = new Place(), all = rows(3, 2, 1);
  place.arrange([], book(all), true);
  place.arrange(rows(1), book(all), true);
  equal(ids(place), [1]);
  place.arrange(rows(2, 1), book(all), true);
  place.release();
  place.arrange(rows(2, 1), book(all), true);
  equal([ids(place), place.waiting], [[2, 1], 0]);
  place.arrange(rows(3, 2, 1), book(all), true);
  equal([ids(place), place.waiting], [[2, 1], 1]);
});

test('the selected row stays where it is on the screen when the order changes', () => {
  equal(anchored(100, 5, 8, 25), 175);
  equal(anchored(100, 5, 1, 25), 0);
  equal(anchored(100, 5, 2, 25), 25);
  equal([anchored(100, -1, 8, 25), anchored(100, 5, -1, 25), anchored(100, 0, 0, 25), anchored(100, 0, 1, 25)], [100, 100, 100, 125]);
});

const sorted = (all, value, down) => all.toSorted(compare(value, down, 1100)).map((each) => each.number);

test('live rows stand above closed ones, whatever the order', () => {
  const all = [row({ number: 1, closed: 1050, bytes_in: 9 }), row({ number: 2, bytes_in: 1 }), row({ number: 3, bytes_in: 5 })];
  equal(sorted(all, (each) => each.bytes_in, true), [3, 2, 1]);
  equal(sorted(all, (each) => each.bytes_in, false), [2, 3, 1]);
});

test('equal values are ordered by the newest, then by the number', () => {
  const all = [row({ number: 1, opened: 1000 }), row({ number: 2, opened: 1001 }), row({ number: 3, opened: 1001 })];
  equal(sorted(all, () => 0, true), [3, 2, 1]);
  equal(sorted(all, () => 0, false), [3, 2, 1]);
});

test('values may depend on the time', () => equal(sorted([row({ number: 1, waiting_since: 1000 }), row({ number: 2, waiting_since: 1050 })], (each, now) => now - each.waiting_since, true), [1, 2]));
