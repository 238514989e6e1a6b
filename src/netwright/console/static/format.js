// Numbers as people read them.  Durations are in seconds.

export const bytes = (n) => n >= 999.95e6 ? `${(n / 1e9).toFixed(1)} GB` : n >= 999.95e3 ? `${(n / 1e6).toFixed(1)} MB` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} kB` : `${n} B`;

// bytes a second, as a throughput in bits
export function bits(rate) {
  const n = rate * 8;
  if (n >= 999.5e6) return `${(n / 1e9).toFixed(2)} Gbit/s`;
  if (n >= 999.5e3) return `${(n / 1e6).toFixed(n < 99.95e6 ? 1 : 0)} Mbit/s`;
  return n >= 1e3 ? `${(n / 1e3).toFixed(0)} kbit/s` : `${n.toFixed(0)} bit/s`;
}

// two throughputs in the unit of the larger one
export function both(received, sent) {
  const [scale, unit] = [[1e9, 'Gbit/s'], [1e6, 'Mbit/s'], [1e3, 'kbit/s']].find(([least]) => Math.max(received, sent) * 8 >= least) ?? [1, 'bit/s'];
  const [left, right] = [received, sent].map((rate) => (rate * 8 / scale).toFixed(scale === 1 ? 0 : 1));
  return `${left} in · ${right} out ${unit}`;
}

export function seconds(s) {
  if (s === 0) return '0 ms';
  if (s < 0.0009995) return `${Math.max(0, s * 1e6).toFixed(0)} µs`;
  if (s < 0.09995) return `${(s * 1e3).toFixed(1)} ms`;
  if (s < 0.9995) return `${(s * 1e3).toFixed(0)} ms`;
  if (s < 99.95) return `${s.toFixed(1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${pair(Math.floor(s % 60))}s`;
  return s < 172800 ? `${Math.floor(s / 3600)}h ${pair(Math.floor(s % 3600 / 60))}m` : `${Math.floor(s / 86400)} d`;
}

export const count = (n) => n >= 999950 ? `${(n / 1e6).toFixed(1)}M` : n >= 1e4 ? `${(n / 1e3).toFixed(1)}k` : String(n);

export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

export const percent = (share) => `${share < 0.0995 || (share >= 0.995 && share < 0.9995) ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

// the time of day of a Unix time, in the browser's zone
export function clock(at) {
  const day = new Date(at * 1e3);
  return [day.getHours(), day.getMinutes(), day.getSeconds()].map(pair).join(':');
}

const pair = (n) => String(n).padStart(2, '0');
