import { equal, row, STATIC, test } from './harness.js';

const { COLUMNS, fitting, formatSort, GAP, PADDING, parseSort, says, tone } = await import(`${STATIC}/columns.js`);

const names = (width) => fitting(width).map((column) => column.key);
const needed = (columns) => columns.reduce((sum, column) => sum + (column.wants ?? column.least) + GAP, PADDING - GAP);
const smallest = (columns) => columns.reduce((sum, column) => sum + column.least + GAP, PADDING - GAP);

test('every column has room from its own width on, and not one pixel before', () => {
  const byWorth = COLUMNS.toSorted((a, b) => b.worth - a.worth);
  for (let n = 3; n <= COLUMNS.length; n++) {
    const width = needed(byWorth.slice(0, n));
    equal([fitting(width - 1).length < n, fitting(width).length >= n], [true, true]);
  }
});

test('the best columns are always there, and the table\'s order stays', () => {
  equal(names(0), ['peer', 'waited']);
  equal(names(3000), COLUMNS.map((column) => column.key));
  for (const width of [200, 390, 500, 640, 768, 900, 1100, 1440]) {
    const shown = names(width);
    equal(shown, COLUMNS.map((column) => column.key).filter((key) => shown.includes(key)));
    equal([shown.includes('waited'), shown.includes('peer')], [true, true]);
    if (width > 340) equal(smallest(fitting(width)) <= width, true);
  }
});

test('columns leave in the order of their worth', () => {
  equal(names(needed(COLUMNS) - 1).includes('cwnd'), false);
  for (const width of [390, 640, 900, 1100]) {
    const shown = fitting(width), least = Math.min(...shown.map((column) => column.worth));
    equal(COLUMNS.filter((column) => column.worth > least && !shown.includes(column)).map((column) => column.key), []);
  }
});

test('a sort survives its way through the URL', () => {
  for (const column of COLUMNS) {
    for (const down of [true, false]) {
      const sorted = parseSort(formatSort(column, down));
      equal([sorted.column.key, sorted.down], [column.key, down]);
    }
  }
  equal(formatSort(COLUMNS[0], true), '');
});

test('numbers are sorted the largest first and text by the alphabet, as in the API', () => {
  equal(['rtt', '-rtt', 'peer', '-peer', '', 'nonsense'].map((text) => [parseSort(text).column.key, parseSort(text).down]),
    [['rtt', true], ['rtt', false], ['peer', false], ['peer', true], ['number', true], ['number', true]]);
});

test('the last column says why it ended, else what it waits for', () => {
  equal(says(row({ closed: 1001, state: 'reset', note: 'Connection reset by peer' }), 1002), 'Connection reset by peer');
  equal(says(row({ closed: 1001, state: 'closed' }), 1002), 'closed');
  equal(says(row({ waiting: 'handler', waiting_since: 1000 }), 1002), 'handler 2.0 s');
  equal(says(row(), 1002), '');
  equal(says(row({ waiting: 'handler', unread: 65536 }), 1002), 'handler 2.0 s');
  equal(says(row({ waiting: 'handler', unread: 65537 }), 1002), 'handler 2.0 s · 65.5 kB unread');
  equal(says(row({ waiting: 'handler', unsent: 65537 }), 1002), 'handler 2.0 s · 65.5 kB unsent');
});

test('a wait has a colour from one second on where somebody is at fault', () => {
  const after = (waiting, seconds) => tone(row({ waiting }), 1000 + seconds);
  equal([after('handler', 1), after('handler', 1.01), after('peer to read', 1.01), after('next request', 60)], ['', 'warn', 'warn', '']);
  equal(tone(row({ closed: 1001, tone: 'bad' }), 1002), 'bad');
});

test('what binds a connection is told, and from when on it will be something else', () => {
  const column = COLUMNS.find(({ key }) => key === 'bound'), bound = { bound_by: 'handler', bound_at: 1010, bound_then: 'peer to send' };
  equal([1009.9, 1010, 1010.1].map((now) => column.value(row(bound), now)), ['handler', 'peer to send', 'peer to send']);
  equal(column.value(row({ bound_by: 'handler', bound_at: 0, bound_then: '' }), 1e9), 'handler');
});
