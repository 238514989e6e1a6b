import { equal, STATIC, test } from './harness.js';

const { bits, both, bytes, count, percent, plural, seconds } = await import(`${STATIC}/format.js`);

// each unit at its limit − 1, the limit, + 1
const table = (name, format, cases) => test(name, () => equal(cases.map(([value]) => format(value)), cases.map(([, text]) => text)));

table('bytes change their unit where the rounded number would have four digits', bytes, [
  [0, '0 B'], [1, '1 B'], [999, '999 B'], [1000, '1.0 kB'], [1001, '1.0 kB'], [1049, '1.0 kB'], [1050, '1.1 kB'],
  [999_949, '999.9 kB'], [999_950, '1.0 MB'], [1_000_000, '1.0 MB'], [999_949_999, '999.9 MB'], [999_950_000, '1.0 GB'], [5e12, '5000.0 GB'],
]);
table('seconds have three digits or less, and two units from a minute on', seconds, [
  [0, '0 ms'], [-1, '0 µs'], [1e-6, '1 µs'], [0.000999, '999 µs'], [0.0009994, '999 µs'], [0.0009995, '1.0 ms'], [0.001, '1.0 ms'],
  [0.09994, '99.9 ms'], [0.09995, '100 ms'], [0.9994, '999 ms'], [0.9995, '1.0 s'], [1, '1.0 s'], [59.9, '59.9 s'], [99.94, '99.9 s'], [99.95, '1m 39s'],
  [119.9, '1m 59s'], [120, '2m 00s'], [3599.9, '59m 59s'], [3600, '1h 00m'], [3660, '1h 01m'], [172_799, '47h 59m'], [172_800, '2 d'], [1e7, '115 d'],
]);
table('counts are exact below ten thousand', count, [
  [0, '0'], [9999, '9999'], [10_000, '10.0k'], [10_001, '10.0k'], [999_949, '999.9k'], [999_950, '1.0M'], [1e6, '1.0M'],
]);
table('throughput is in bits', bits, [
  [0, '0 bit/s'], [1, '8 bit/s'], [124.9, '999 bit/s'], [125, '1 kbit/s'], [124_937, '999 kbit/s'], [124_938, '1.0 Mbit/s'], [125_000, '1.0 Mbit/s'],
  [12.49e6, '99.9 Mbit/s'], [12.5e6, '100 Mbit/s'], [124_937_500, '1.00 Gbit/s'], [125e6, '1.00 Gbit/s'],
]);
table('percent has a digit more below ten, and where rounding would claim the whole', percent, [[0, '0.0 %'], [0.0004, '0.0 %'], [0.0994, '9.9 %'], [0.0996, '10 %'], [0.1, '10 %'], [0.994, '99 %'], [0.996, '99.6 %'], [0.9996, '100 %'], [1, '100 %']]);

test('two throughputs share the unit of the larger one', () => {
  equal(both(0, 0), '0 in · 0 out bit/s');
  equal(both(125, 125_000), '0.0 in · 1.0 out Mbit/s');
  equal(both(124, 100), '992 in · 800 out bit/s');
  equal(both(125, 1), '1.0 in · 0.0 out kbit/s');
});

test('one is one and all else is many', () => equal([0, 1, 2].map((n) => plural(n, 'row')), ['0 rows', '1 row', '2 rows']));
