// Numbers for people: bytes, durations, rates.

export const bytes = (n) => n >= 1e9 ? `${(n / 1e9).toFixed(1)} GB` : n >= 1e6 ? `${(n / 1e6).toFixed(1)} MB` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} kB` : `${n} B`;

export function seconds(s) {
  if (s === 0) return '0 ms';
  if (s < 0.000995) return `${Math.max(0, s * 1e6).toFixed(0)} µs`;
  if (s < 0.0995) return `${(s * 1e3).toFixed(1)} ms`;
  if (s < 0.9995) return `${(s * 1e3).toFixed(0)} ms`;
  if (s < 99.5) return `${s.toFixed(1)} s`;
  if (s < 5970) return `${Math.floor(s / 60)}m ${String(Math.floor(s % 60)).padStart(2, '0')}s`;
  return s < 172800 ? `${Math.floor(s / 3600)}h ${String(Math.floor(s % 3600 / 60)).padStart(2, '0')}m` : `${Math.floor(s / 86400)} d`;
}

export const count = (n) => n >= 1e6 ? `${(n / 1e6).toFixed(1)}M` : n >= 1e4 ? `${(n / 1e3).toFixed(1)}k` : String(n);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function part(tag, attributes, text = '') {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
