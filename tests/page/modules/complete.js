import { equal, row, STATIC, test } from './harness.js';

const { accept, complete, MOST } = await import(`${STATIC}/complete.js`);
const ROWS = [row({ service: 'echo' }), row({ service: 'orders' }), row({ service: 'orders', note: 'reset by peer' })];
const options = (text, cursor = text.length, rows = ROWS) => complete(text, cursor, rows, 1010).options.map((option) => option.text);

test('columns are completed from their first letters', () => {
  equal(options('st'), ['state:']);
  equal(options('un'), ['unread>', 'unsent>']);
  equal(options('-st'), ['-state:']);
  equal(options('zz'), []);
  equal(options('').length, MOST);
});

test('values are those of the rows, the most frequent first', () => {
  equal(options('svc:'), ['svc:orders', 'svc:echo']);
  equal(options('svc:e'), ['svc:echo', 'svc:orders']);
  equal(options('svc:CH'), ['svc:echo']);
  equal(options('svc:echo'), []);
  equal(options('-note:re'), ['-note:"reset by peer"']);
});

test('there are at most eight values', () => {
  const rows = Array.from({ length: 20 }, (_, n) => row({ service: `s${n}` }));
  equal(options('svc:s', 5, rows).length, MOST);
  equal(options('svc:s0', 6, rows).length, 0);
});

test('the word under the cursor is completed, wherever it stands', () => {
  const found = complete('svc:e state:open', 5, ROWS, 1010);
  equal([found.from, found.to, found.options[0].text], [0, 5, 'svc:echo']);
  equal(complete('svc:e state:open', 6, ROWS, 1010).from, 6);
  equal(options('a  b', 2).length, MOST);
});

test('an option replaces its word; a value ends it with a space, a column waits for more', () => {
  equal(accept('svc:e', { from: 0, to: 5 }, 'svc:echo'), { text: 'svc:echo ', cursor: 9 });
  equal(accept('svc:e age>1', { from: 0, to: 5 }, 'svc:echo'), { text: 'svc:echo age>1', cursor: 9 });
  equal(accept('a st', { from: 2, to: 4 }, 'state:'), { text: 'a state:', cursor: 8 });
  equal(accept('a rt', { from: 2, to: 4 }, 'rtt>'), { text: 'a rtt>', cursor: 6 });
});
