// The life of one connection from SYN to FIN, and where its time went (/api/connections/worker.number).

import { $, element, part, put } from './dom.js';
import { plural, seconds } from './format.js';
import { ledger } from './ledger.js';
import { trend } from './trend.js';
import { ending, LINES, placed, shortened, window as sight } from './waterfall.js';

const PITCH = 21.5; // px from bar to bar

export class Life {
  id = '';
  #told = null;
  #from = null; // index of the first bar in sight; null follows the end
  #whole = true; // the whole life in few bars, or its last steps one by one
  #asking = false;
  #lost;

  // ``lost`` is called with what to say when the connection is not there any more.
  constructor(lost) {
    this.#lost = lost;
    new ResizeObserver(() => this.draw()).observe($('life-bars'));
  }

  open(id) {
    if (id !== this.id) [this.#from, this.#whole, this.#told] = [null, true, null];
    this.id = id;
    $('life').hidden = !id;
    document.body.classList.toggle('opened', Boolean(id));
    if (id) this.refresh();
  }

  async refresh() {
    if (!this.id || this.#asking) return;
    this.#asking = true;
    const id = this.id;
    try {
      const answer = await fetch(`api/connections/${id}?watch=1`);
      if (id !== this.id) return;
      if (answer.status === 404) this.#lost(`connection ${id} is not kept any more`);
      else if (answer.ok) this.#told = await answer.json();
    } catch { /* the console is gone: the header says so */ } finally {
      this.#asking = false;
      if (id !== this.id) this.refresh();
    }
    this.draw();
  }

  step(by) {
    const bars = this.#told?.bars ?? [], last = Math.max(0, bars.length - LINES), next = (this.#from ?? last) + by;
    this.#whole = false;
    this.#from = next >= last ? null : Math.max(0, next);
    this.draw();
  }

  toggleWhole() {
    this.#whole = !this.#whole;
    this.draw();
  }

  draw() {
    if (!this.#told || !this.id || this.#told.row.id !== this.id) return;
    const { row } = this.#told, bars = this.#whole ? this.#told.waterfall : this.#told.bars, steps = this.#told.bars.length;
    const { first, seen } = sight(bars, this.#whole ? 0 : this.#from);
    const range = bars.length > LINES ? ` · ${first + 1}–${first + seen.length} of ${bars.length}` : '';
    $('life-title').replaceChildren('connection ', element('b', { textContent: `#${row.number} ${row.peer} ${row.role === 'connected' ? '←' : '→'} ${row.local}` }),
      ` ${row.service} · ${this.#age()}${range}`);
    put($('life-keys'), steps > LINES ? `←→ step · z ${this.#whole ? 'single steps' : 'whole life'}` : '');
    this.#bars(seen);
    $('life-ledger').replaceChildren(...ledgers(this.#told.ledger));
    $('life-trend').replaceChildren(...trend(this.#told.trend));
    this.#why();
  }

  #age() {
    const { row } = this.#told, lived = seconds(this.#told.age);
    return row.state === 'lost' ? `${lived} until its worker died` : row.closed ? `lived ${lived}` : `open for ${lived}`;
  }

  #bars(seen) {
    const box = $('life-bars'), width = box.clientWidth, height = LINES * PITCH + 30;
    if (width < 50 || !seen.length) return box.replaceChildren();
    const svg = part('svg', { width, height, role: 'img', 'aria-label': seen.map((bar) => `${bar.lane}: ${bar.label}`).join('; ') });
    const start = Math.min(...seen.map((bar) => bar.start));
    const { bars, axis } = placed(seen, this.#whole ? ending(seen, start) : shortened(seen, start), width);
    for (const mark of axis) {
      svg.append(part('line', { x1: mark.x, x2: mark.x, y1: 4, y2: height - 18, class: 'axis' }));
      svg.append(part('text', { x: mark.x, y: height - 5, 'text-anchor': mark.anchor }, mark.text));
    }
    bars.forEach((bar, i) => {
      const y = 8 + i * PITCH;
      svg.append(part('text', { x: 2, y: y + 11, class: 'lane' }, bar.lane));
      const rect = part('rect', { x: bar.left, y, width: bar.wide, height: 14, rx: 3, class: `bar ${bar.tone}${bar.wide > 120 ? ' long' : ''}` });
      rect.append(part('title', {}, bar.full));
      svg.append(rect, part('text', { x: bar.at, y: y + 11, 'text-anchor': bar.anchor, class: bar.inside ? `on-${bar.tone}` : '' }, bar.label));
    });
    box.replaceChildren(svg);
  }

  #why() {
    const { findings, row, record, kernel, moments, moments_lost: lost } = this.#told;
    const bad = row.tone === 'bad' || row.tone === 'warn' && row.closed > 0, lived = seconds(this.#told.age);
    const { who, how } = this.#told.ending;
    const ended = row.state === 'lost' ? row.note : who && `${row.state}, ${who}: ${how}`;
    put($('why-title'), ended ? `Ended after ${lived}: ${ended}` : `Where did ${lived} go?`, bad ? '' : 'calm');
    $('why-list').replaceChildren(...findings.map((found) => element('li', {},
      element('b', { textContent: found.seconds ? `${found.title}: ${seconds(found.seconds)}` : found.title }), ` ${found.text}`,
      ...(found.advice ? [element('br'), element('span', { className: 'quiet', textContent: 'fix ' }), element('code', { textContent: found.advice })] : []))));
    const notes = [row.subject && `last message: ${row.subject}`];
    if (kernel) notes.push(`${row.closed ? 'kernel, last seen' : 'kernel'}: ${[kernel.state_name, kernel.congestion].filter(Boolean).join(', ')}, rtt ${seconds(kernel.rtt ?? 0)}, cwnd ${kernel.snd_cwnd ?? '?'}, ${plural(kernel.total_retrans ?? 0, 'retransmission')}`);
    if (!record.watched && !moments) notes.push('summary only: its moments were not kept (serve --watch-all keeps all)');
    if (lost) notes.push(`${plural(lost, 'older moment')} dropped`);
    put($('why-note'), notes.filter(Boolean).join(' · '));
  }
}

function ledgers(told) {
  return told.length ? [ledger('its time', told)] : [];
}
