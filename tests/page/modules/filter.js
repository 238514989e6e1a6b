import { equal, row, STATIC, test, throws } from './harness.js';

const { COMPARED, FilterError, MATCHED, parseFilter, words } = await import(`${STATIC}/filter.js`);
const matches = (text, changes = {}, now = 1010) => parseFilter(text)(row(changes), now);

// the word that is at fault, and what is said of it
const fault = (text) => {
  const error = throws(() => parseFilter(text), /./);
  if (!(error instanceof FilterError)) throw error;
  return [text.slice(error.start, error.end), error.message.split(':')[0]];
};

test('faults are named at their place', () => {
  equal(fault('state:open foo:x'), ['foo', 'no column foo']);
  equal(fault('  foo>1'), ['foo', 'no number foo']);
  equal(fault('-rtt>abc x'), ['abc', 'abc is not a number']);
  equal(fault('rtt>'), ['', 'a number is missing']);
  equal(fault('in>1s'), ['s', 'in has no unit s']);
  equal(fault('rtt>5mb'), ['mb', 'rtt has no unit mb']);
  equal(fault('cwnd>5ms'), ['ms', 'cwnd has no unit ms']);
  equal(fault('age:5'), ['age', 'age is a number']);
  equal(fault('state>5'), ['state', 'state is text']);
  equal(fault('x note:"a b'), ['"a b', 'the quote is not closed']);
});

test('comparisons hold at their limit as their sign says', () => {
  const at = (sign) => [4, 5, 6].map((bytes_in) => matches(`in${sign}5`, { bytes_in }));
  equal(['<', '<=', '>', '>='].map(at), [[true, false, false], [true, true, false], [false, false, true], [false, true, true]]);
});

test('units', () => {
  const limit = (text, changes) => [matches(text, changes(0.999)), matches(text, changes(1))];
  for (const [text, changes] of [
    ['in>=1k', (f) => ({ bytes_in: 1e3 * f })], ['in>=1kb', (f) => ({ bytes_in: 1e3 * f })], ['out>=1mb', (f) => ({ bytes_out: 1e6 * f })], ['in>=1g', (f) => ({ bytes_in: 1e9 * f })],
    ['rtt>=120', (f) => ({ rtt: 0.12 * f })], ['rtt>=50ms', (f) => ({ rtt: 0.05 * f })], ['rtt>=1s', (f) => ({ rtt: f })], ['rtt>=10us', (f) => ({ rtt: 1e-5 * f })],
    ['age>=5', (f) => ({ opened: 1010 - 5 * f })], ['age>=1m', (f) => ({ opened: 1010 - 60 * f })], ['age>=1h', (f) => ({ opened: 1010 - 3600 * f })], ['age>=1d', (f) => ({ opened: 1010 - 86400 * f })],
    ['messages>=1k', (f) => ({ messages: 1e3 * f })],
  ]) equal([text, ...limit(text, changes)], [text, false, true]);
});

test('quotes keep spaces and take away a meaning', () => {
  equal([matches('note:"by peer"', { note: 'reset by peer' }), matches('note:"by peer"', { note: 'by the peer' })], [true, false]);
  equal([matches('"state:x"', { note: 'state:x' }), matches('"rtt>5"', { note: '' })], [true, false]);
  equal([matches('svc:""', { service: '' }), matches('svc:""', { service: 'a' })], [true, false]);
});

test('a minus excludes, two include', () => equal(['svc:http', '-svc:http', '--svc:http', '-nowhere', '-'].map((text) => matches(text)), [true, false, true, true, false]));

test('all words must match', () => equal([matches('svc:http state:open'), matches('svc:http state:closed'), matches('')], [true, false, true]));

test('every column can be asked for', () => {
  for (const key of Object.keys(MATCHED)) parseFilter(`${key}:x`)(row(), 1010);
  for (const key of Object.keys(COMPARED)) parseFilter(`${key}>1 ${key}<=2`)(row(), 1010);
});

test('words know their places', () => equal(words('ab  c:"d e"').map(({ text, start, end }) => [text, start, end]), [['ab', 0, 2], ['c:"d e"', 4, 11]]));
