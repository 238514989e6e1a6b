// The table of connections.  Only the rows in sight exist as elements; a cell is written when its text changes.

import { COLUMNS, fitting, formatSort, parseSort, template } from './columns.js';
import { element, put } from './dom.js';
import { anchored, compare, Place } from './place.js';

const HEIGHT = 25; // px of a row, and of the head

export class Table {
  here = ''; // id of the selected row
  sort = '';
  pointed = false; // a mouse rests on the rows
  #box; #head; #body; #told;
  #columns = [];
  #pool = [];
  #place = new Place();

  // ``told`` is called with what the user did: changed(), held() or let go, sorted(sort), opened(id).
  constructor(box, head, body, told) {
    [this.#box, this.#head, this.#body, this.#told] = [box, head, body, told];
    box.addEventListener('scroll', told.changed, { passive: true });
    new ResizeObserver(() => { this.#layout(); told.changed(); }).observe(box);
    const hold = (event) => {
      if (event.pointerType !== 'mouse') return; // a finger does not rest
      this.pointed = event.type === 'pointerenter';
      told.held();
    };
    body.addEventListener('pointerenter', hold);
    body.addEventListener('pointerleave', hold);
    body.addEventListener('click', (event) => {
      const id = event.target.closest('.row')?.dataset.id;
      if (id) told.opened(id);
    });
  }

  get rows() { return this.#place.rows; }
  get waiting() { return this.#place.waiting; }
  get held() { return this.pointed || this.here !== ''; }

  // Filter and sort; once for each message, not for each frame.
  arrange(all, test, now) {
    const { column, down } = parseSort(this.sort);
    const sorted = [...all.values()].filter((row) => test(row, now)).sort(compare(column.value, down, now));
    this.#place.arrange(sorted, (id) => all.get(id), this.held);
  }

  // Take the new order in spite of the pointer; the selected row stays where it is on the screen.
  release(all, test, now) {
    const from = this.#index();
    this.#place.release();
    this.arrange(all, test, now);
    this.#box.scrollTop = anchored(this.#box.scrollTop, from, this.#index(), HEIGHT);
  }

  #index = () => this.rows.findIndex((row) => row.id === this.here);

  // Select the row ``by`` rows further and scroll it into sight.
  move(by) {
    const last = this.rows.length - 1, at = this.#index();
    const next = Math.max(0, Math.min(last, at < 0 ? (by < 0 ? last : 0) : at + by));
    this.here = this.rows[next]?.id ?? '';
    const top = next * HEIGHT, seen = this.#box.clientHeight - 2 * HEIGHT;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    if (top > this.#box.scrollTop + seen) this.#box.scrollTop = top - seen;
    this.#told.changed();
    return this.here;
  }

  sortBy(column, down) {
    this.#told.sorted(formatSort(column, down));
  }

  nextSort() {
    const next = (this.#columns.indexOf(parseSort(this.sort).column) + 1) % this.#columns.length;
    this.sortBy(this.#columns[next], Boolean(this.#columns[next].number));
  }

  reverse() {
    const { column, down } = parseSort(this.sort);
    this.sortBy(column, !down);
  }

  #layout() {
    const columns = fitting(this.#box.clientWidth);
    if (columns.map((c) => c.key).join() === this.#columns.map((c) => c.key).join()) return;
    this.#columns = columns;
    this.#head.replaceChildren(...columns.map((column, i) => element('span', { role: 'columnheader', 'aria-colindex': COLUMNS.indexOf(column) + 1, className: align(column) },
      element('button', { onclick: () => this.#pick(column), tabIndex: -1, textContent: columns[i].name }))));
    this.#head.style.gridTemplateColumns = template(columns);
    this.#body.replaceChildren();
    this.#pool = [];
  }

  #pick(column) {
    const sorted = parseSort(this.sort);
    this.sortBy(column, sorted.column === column ? !sorted.down : Boolean(column.number));
  }

  draw(now) {
    if (!this.#columns.length) this.#layout();
    const { column: sorted, down } = parseSort(this.sort);
    this.#columns.forEach((column, i) => {
      const cell = this.#head.children[i];
      put(cell.firstChild, column === sorted ? `${column.name} ${down ? '▾' : '▴'}` : column.name);
      const order = column === sorted ? (down ? 'descending' : 'ascending') : 'none';
      if (cell.getAttribute('aria-sort') !== order) cell.setAttribute('aria-sort', order);
    });
    this.#body.style.height = `${this.rows.length * HEIGHT}px`;
    const first = Math.floor(this.#box.scrollTop / HEIGHT), seen = Math.ceil(this.#box.clientHeight / HEIGHT) + 1;
    while (this.#pool.length < seen) this.#pool.push(this.#make());
    this.#pool.forEach((line, i) => this.#fill(line, i < seen ? this.rows[first + i] : undefined, first + i, now));
    this.#box.setAttribute('aria-rowcount', this.rows.length + 1);
    const selected = this.#pool.find((line) => !line.hidden && line.dataset.id === this.here);
    if (selected) this.#box.setAttribute('aria-activedescendant', selected.id); else this.#box.removeAttribute('aria-activedescendant');
  }

  #make() {
    const line = element('div', { className: 'row', role: 'row', id: `row-${this.#pool.length}` },
      ...this.#columns.map((column) => element('span', { role: 'gridcell', 'aria-colindex': COLUMNS.indexOf(column) + 1 })));
    line.style.gridTemplateColumns = template(this.#columns);
    this.#body.append(line);
    return line;
  }

  #fill(line, row, index, now) {
    line.hidden = !row;
    if (!row) return;
    if (line.dataset.id !== row.id) line.dataset.id = row.id;
    line.style.transform = `translateY(${index * HEIGHT}px)`;
    const look = `row${row.closed ? ' over' : ''}${row.id === this.here ? ' here' : ''}`;
    if (line.className !== look) line.className = look;
    line.setAttribute('aria-rowindex', index + 2);
    line.setAttribute('aria-selected', row.id === this.here);
    this.#columns.forEach((column, i) => {
      const cell = line.children[i], text = column.text(row, now);
      put(cell, text, `${align(column)} ${column.look?.(row, now) ?? ''}`.trim());
      const title = text.length > 12 ? text : '';
      if (cell.title !== title) cell.title = title;
    });
  }
}

const align = (column) => column.number && !column.left ? 'n' : '';
