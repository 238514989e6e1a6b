// The table of connections: only the rows in sight exist; a cell is written when its text changes.

import { bound, SHORT } from './bound.js';
import { bytes, count, element, seconds } from './format.js';

const HEIGHT = 24;
const QUEUED = 65536; // bytes that wait in the kernel and are worth a word
const SLOW = { handler: 1, 'peer to read': 1 }; // seconds of a wait that is worth a colour

const age = (r, now) => (r.closed || now) - r.opened;
const waited = (r, now) => r.waiting ? now - r.waiting_since : -1;

// name, width, value to sort by, text, class of the cell
export const COLUMNS = [
  ['#', '44px', (r) => r.opened, (r) => r.number],
  ['peer', '152px', (r) => r.peer, (r) => (r.role === 'connected' ? '→ ' : '') + r.peer],
  ['service', '66px', (r) => r.service, (r) => r.service],
  ['proto', '60px', (r) => r.protocol, (r) => r.protocol],
  ['state', '96px', state, state, (r) => r.tone || (state(r) === 'open' ? '' : 'warn')],
  ['age', '56px', age, (r, now) => seconds(age(r, now)), () => 'n'],
  ['rtt', '56px', (r) => r.rtt, (r) => r.rtt ? seconds(r.rtt) : '', () => 'n'],
  ['cwnd', '40px', (r) => r.cwnd, (r) => r.cwnd || '', (r) => (r.cwnd && r.cwnd < 10 ? 'n warn' : 'n')],
  ['rtx', '32px', (r) => r.rtx, (r) => r.rtx || '', (r) => (r.rtx ? 'n warn' : 'n')],
  ['in', '66px', (r) => r.bytes_in, (r) => bytes(r.bytes_in), () => 'n'],
  ['out', '66px', (r) => r.bytes_out, (r) => bytes(r.bytes_out), () => 'n'],
  ['msgs', '40px', (r) => r.messages, (r) => r.messages ? count(r.messages) : '', () => 'n'],
  ['bound by', '98px', bound, (r, now) => SHORT[bound(r, now)] ?? bound(r, now), () => 'quiet'],
  ['last message', 'minmax(70px, 1fr)', (r) => r.subject, (r) => r.subject],
  ['waits for · why it ended', 'minmax(130px, 1.3fr)', waited, says, tone],
];
const TEMPLATE = COLUMNS.map((column) => column[1]).join(' ');

function state(row) { return row.state; }

function says(row, now) {
  if (row.closed || row.note) return row.note;
  const queued = row.unread > QUEUED ? ` · ${bytes(row.unread)} unread` : row.unsent > QUEUED ? ` · ${bytes(row.unsent)} unsent` : '';
  return row.waiting ? `${row.waiting} ${seconds(waited(row, now))}${queued}` : '';
}

function tone(row, now) {
  if (row.closed) return row.tone;
  return waited(row, now) > (SLOW[row.waiting] ?? Infinity) ? 'warn' : 'quiet';
}

export class Table {
  visible = [];
  here = ''; // id of the row the keyboard is at
  #sort = 0;
  #down = true;
  #pool = [];
  #box;
  #body;
  #head;
  #changed;

  constructor(box, head, body, changed, opened) {
    [this.#box, this.#head, this.#body, this.#changed] = [box, head, body, changed];
    head.style.gridTemplateColumns = TEMPLATE;
    head.append(...COLUMNS.map(([name, , , , kind], i) =>
      element('span', { className: kind?.({})?.startsWith('n') ? 'n' : '', onclick: () => this.sortBy(i) })));
    box.addEventListener('scroll', changed, { passive: true });
    new ResizeObserver(changed).observe(box);
    body.onclick = (event) => {
      const id = event.target.closest('.row')?.dataset.id;
      if (id) { this.here = id; opened(id); changed(); }
    };
  }

  sortBy(column, down = this.#sort === column ? !this.#down : true) {
    [this.#sort, this.#down] = [(column + COLUMNS.length) % COLUMNS.length, down];
    this.#changed(true);
  }

  nextSort = () => this.sortBy(this.#sort + 1, true);
  reverse = () => this.sortBy(this.#sort, !this.#down);

  // Filter and sort; once for each message, not for each frame.
  arrange(rows, test, now) {
    const value = COLUMNS[this.#sort][2], turn = this.#down ? -1 : 1;
    const order = (a, b) => a < b ? -turn : a > b ? turn : 0;
    this.visible = [...rows].filter((row) => test(row, now));
    this.visible.sort((a, b) => (a.closed > 0) - (b.closed > 0) || order(value(a, now), value(b, now)) || b.opened - a.opened || b.number - a.number);
  }

  move(by) {
    const last = this.visible.length - 1;
    const at = this.visible.findIndex((row) => row.id === this.here);
    const next = Math.max(0, Math.min(last, at < 0 ? (by < 0 ? last : 0) : at + by));
    this.here = this.visible[next]?.id ?? '';
    const top = next * HEIGHT, seen = this.#box.clientHeight - 2 * HEIGHT;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    if (top > this.#box.scrollTop + seen) this.#box.scrollTop = top - seen;
    this.#changed();
    return this.here;
  }

  draw(now) {
    COLUMNS.forEach(([name], i) => {
      const cell = this.#head.children[i], sorted = i === this.#sort;
      const text = sorted ? `${name} ${this.#down ? '▾' : '▴'}` : name;
      if (cell.textContent !== text) { cell.textContent = text; cell.classList.toggle('sorted', sorted); }
    });
    this.#body.style.height = `${this.visible.length * HEIGHT}px`;
    const first = Math.floor(this.#box.scrollTop / HEIGHT), seen = Math.ceil(this.#box.clientHeight / HEIGHT) + 1;
    while (this.#pool.length < seen) this.#pool.push(this.#make());
    this.#pool.forEach((line, i) => this.#fill(line, i < seen ? this.visible[first + i] : undefined, first + i, now));
  }

  #make() {
    const line = element('div', { className: 'row' }, ...COLUMNS.map(() => element('span')));
    line.setAttribute('role', 'row');
    line.style.gridTemplateColumns = TEMPLATE;
    line.told = COLUMNS.map(() => [null, null]);
    this.#body.append(line);
    return line;
  }

  #fill(line, row, index, now) {
    line.hidden = !row;
    if (!row) return;
    line.dataset.id = row.id;
    line.style.transform = `translateY(${index * HEIGHT}px)`;
    line.className = `row${row.closed ? ' over' : ''}${row.id === this.here ? ' here' : ''}`;
    COLUMNS.forEach(([, , , text, kind], i) => {
      const told = line.told[i], cell = line.children[i], value = text(row, now), look = kind?.(row, now) ?? '';
      if (told[0] !== value) { cell.textContent = value; cell.title = i > 11 ? value : ''; told[0] = value; }
      if (told[1] !== look) { cell.className = look; told[1] = look; }
    });
  }
}
