import { equal, node, row, STATIC, test } from './harness.js';

const { endedBadly, findings, services, sumFindings, sumServices, word, workers } = await import(`${STATIC}/pages.js`);
const { parseFilter } = await import(`${STATIC}/filter.js`);
const ROWS = [
  row({ id: '7.1', service: 'echo', bytes_in: 5, messages: 1 }),
  row({ id: '7.2', service: 'echo', closed: 1001, state: 'reset', tone: 'warn', note: 'first', bytes_out: 7 }),
  row({ id: '7.3', service: 'echo', closed: 1003, state: 'reset', tone: 'warn', note: 'last' }),
  row({ id: '7.4', service: 'echo', closed: 1002, state: 'reset', tone: 'warn', note: 'middle' }),
  row({ id: '7.5', service: 'http', closed: 1002, state: 'lost', tone: 'bad', note: 'its worker died' }),
  row({ id: '7.6', service: 'http', closed: 1002, state: 'closed', tone: 'quiet' }),
  row({ id: '7.7', service: 'http', state: 'closing', tone: 'warn' }),
];
const book = (all, told = []) => ({ all: new Map(all.map((each) => [each.id, each])), workers: told });

test('ended badly is what is over and warns: an open connection that closes is not', () => equal(ROWS.map(endedBadly), [false, true, true, true, true, false, false]));

test('services add up their rows', () => {
  equal(sumServices(ROWS), [
    ['echo', { live: 1, closed: 3, bad: 3, in: 5, out: 7, messages: 1 }], ['http', { live: 1, closed: 2, bad: 1, in: 0, out: 0, messages: 0 }],
  ]);
});

test('findings count what ended badly and keep the words of the last one', () => {
  equal(sumFindings(ROWS).map(({ service, state, count, last, note }) => [service, state, count, last, note]),
    [['echo', 'reset', 3, 1003, 'last'], ['http', 'lost', 1, 1002, 'its worker died']]);
});

test('a filter made of a name finds that name, whatever is in it', () => {
  for (const service of ['echo', '', 'two words', 'a:b', 'a"b', 'x>1']) {
    const test = parseFilter(word('svc', service.replaceAll('"', '')));
    equal([service, test(row({ service: service.replaceAll('"', '') }), 0)], [service, true]);
  }
});

test('a table keeps its elements while its lines are the same, and is made anew where they are not', () => {
  const box = node('section'), picked = [];
  services(box, book(ROWS), 1010, (filter) => picked.push(filter));
  const first = box.querySelector('tbody');
  first.rows[0].onclick();
  services(box, book([...ROWS, row({ id: '7.8', service: 'echo' })]), 1010, () => {});
  equal([box.querySelector('tbody') === first, first.rows[0].cells[1].textContent, picked], [true, '2', ['svc:echo']]);
  services(box, book([row({ service: 'new' })]), 1010, () => {});
  equal([box.querySelector('tbody') === first, box.querySelector('tbody').rows.length], [false, 1]);
});

test('a dead worker says so with its time, one that ended in order does not', () => {
  const box = node('section'), worker = { pid: 7, program: 'app.py', engine: 'native', python: '3.11', gone: 0, in_order: false, lost: 0, totals: { accepted: 3 } };
  workers(box, book([], [worker, { ...worker, pid: 8, gone: 1000 }, { ...worker, pid: 9, gone: 1000, in_order: true }]), 1010, () => {});
  equal(box.querySelector('tbody').rows.map((line) => [line.cells[2].textContent, line.cells[2].className]), [['live', 'good'], ['died 10.0 s ago', 'bad'], ['ended', 'quiet']]);
});

test('nothing to show is said', () => {
  const box = node('section');
  findings(box, book(ROWS.slice(0, 1)), 1010, () => {});
  equal(box.textContent, 'no connection ended badly');
});
