import { equal, STATIC, test } from './harness.js';

const { Rows } = await import(`${STATIC}/rows.js`);

const FIELDS = ['id', 'worker', 'closed', 'rtt'];
const WORKERS = [{ pid: 7, sampled: 0 }];
const hello = (changes = {}) => ({ boot: 'a', fields: FIELDS, kernel_fields: ['rtt'], closed_limit: 2, history_limit: 3, ...changes });
const message = (changes = {}) => ({ now: 1000, revision: 1, workers: WORKERS, rows: [], kernel: [], points: [], skipped: 0, ...changes });
const ids = (rows) => [...rows.all.keys()];
const begun = (...told) => {
  const rows = new Rows();
  rows.take(message({ hello: hello(), rows: told }), 990);
  return rows;
};

test('the first message brings rows, clock and revision', () => {
  const rows = begun(['7.1', 7, 0, 0.5]);
  equal([...rows.all.values()], [{ id: '7.1', worker: 7, closed: 0, rtt: 0.5 }]);
  equal([rows.skew, rows.since], [10, 'a.1']);
});

test('a row that changed is told with the row before and goes to the end of the order', () => {
  const rows = begun(['7.1', 7, 0, 0], ['7.2', 7, 0, 0]);
  const changed = rows.take(message({ revision: 2, rows: [['7.1', 7, 0, 0.1], ['7.3', 7, 0, 0]] }), 990);
  equal(ids(rows), ['7.2', '7.1', '7.3']);
  equal(changed.map(([row, before]) => [row.rtt, before?.rtt ?? 'new']), [[0.1, 0], [0, 'new']]);
});

test('the kernel\'s view changes its fields only, keeps the order, and leaves the row before as it was', () => {
  const rows = begun(['7.1', 7, 0, 0.5], ['7.2', 7, 0, 0.5]);
  const [[row, before]] = rows.take(message({ revision: 2, kernel: [['7.1', 0.25], ['7.9', 1]] }), 990);
  equal([row.rtt, before.rtt, row.worker, ids(rows)], [0.25, 0.5, 7, ['7.1', '7.2']]);
});

test('a row tells when it was taken and when its worker\'s sample before was', () => {
  const rows = begun(['7.1', 7, 0, 0]), at = (sampled) => ({ workers: [{ pid: 7, sampled }] });
  const times = (changes) => rows.take(message(changes), 990).map((sample) => sample.slice(2));
  equal(times({ rows: [['7.1', 7, 0, 0.1]], ...at(999.5) }), [[999.5, 999.5]]);
  equal(times({ rows: [['7.1', 7, 0, 0.2], ['7.2', 7, 999.8, 0]], ...at(999.9) }), [[999.9, 999.5], [999.8, 999.5]]);
  equal(times({ rows: [['7.1', 7, 0, 0.3]], ...at(999.9) }), [[999.9, 999.9]]);
});

test('closed rows are kept up to the limit, the oldest go first, live ones stay', () => {
  const rows = begun(['7.1', 7, 900, 0], ['7.2', 7, 0, 0], ['7.3', 7, 901, 0]);
  equal(ids(rows), ['7.1', '7.2', '7.3']);
  rows.take(message({ revision: 2, rows: [['7.4', 7, 902, 0]] }), 990);
  equal(ids(rows), ['7.2', '7.3', '7.4']);
  rows.take(message({ revision: 3, rows: [['7.5', 7, 903, 0], ['7.6', 7, 904, 0]] }), 990);
  equal(ids(rows), ['7.2', '7.5', '7.6']);
});

test('rows of a worker that is forgotten go with it', () => {
  const rows = begun(['7.1', 7, 0, 0]);
  rows.take(message({ revision: 2, workers: [{ pid: 7 }, { pid: 8 }], rows: [['8.1', 8, 0, 0]] }), 990);
  equal(ids(rows), ['7.1', '8.1']);
  rows.take(message({ revision: 3, workers: [{ pid: 8 }] }), 990);
  equal(ids(rows), ['8.1']);
});

test('history keeps its newest points', () => {
  const rows = begun();
  rows.take(message({ points: [[1], [2]] }), 990);
  equal(rows.history, [[1], [2]]);
  rows.take(message({ points: [[3]] }), 990);
  equal(rows.history, [[1], [2], [3]]);
  rows.take(message({ points: [[4]] }), 990);
  equal(rows.history, [[2], [3], [4]]);
});

test('coming back to the same console keeps the rows and takes its history anew', () => {
  const rows = begun(['7.1', 7, 0, 0]);
  rows.take(message({ points: [[1]], skipped: 3 }), 990);
  rows.take(message({ revision: 5, hello: hello(), rows: [['7.2', 7, 0, 0]], points: [[1], [2]] }), 990);
  equal([ids(rows), rows.history, rows.since, rows.skipped], [['7.1', '7.2'], [[1], [2]], 'a.5', 3]);
});

test('another console begins from nothing', () => {
  const rows = begun(['7.1', 7, 0, 0]);
  rows.take(message({ skipped: 3 }), 990);
  rows.take(message({ revision: 1, hello: hello({ boot: 'b' }), rows: [['7.2', 7, 0, 0]] }), 990);
  equal([ids(rows), rows.since, rows.skipped], [['7.2'], 'b.1', 0]);
});

test('what was left out is added up', () => {
  const rows = begun();
  rows.take(message({ skipped: 2 }), 990);
  rows.take(message({ skipped: 3 }), 990);
  equal(rows.skipped, 5);
});
