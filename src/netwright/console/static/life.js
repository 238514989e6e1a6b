// The life of one connection: bars on its time axis, and where the time went (/api/connections/worker.number).

import { element, part, seconds } from './format.js';
import { ledger, trend } from './spent.js';

const $ = (id) => document.getElementById(id);
const LINES = 10, PITCH = 21.5, LEFT = 58, RIGHT = 24, CALM = 0.1;
const ENDED_BADLY = new Set(['lost', 'reset', 'aborted', 'deadline', 'limit', 'protocol-error', 'handler-error', 'connect-failed']);

const last = (bars, start) => Math.max(...bars.map((bar) => bar.end), start + 1e-4);

// A wait at the end that is longer than all before it would hide them: it runs out of the picture.
function shortened(bars, start) {
  const end = last(bars, start), before = last(bars.slice(0, -1), start);
  return bars.length > 1 && bars.at(-1).tone === 'wait' ? Math.min(end, before + (before - start) * 0.4) : end;
}

export class Life {
  id = '';
  #told = null;
  #from = null; // index of the first bar in sight; null follows the end
  #whole = true; // the whole life in few bars, or its last steps one by one
  #asking = false;

  open(id) {
    if (id !== this.id) [this.#from, this.#whole, this.#told] = [null, true, null];
    this.id = id;
    $('life').hidden = !id;
    if (id) this.refresh();
  }

  async refresh() {
    if (!this.id || this.#asking) return;
    this.#asking = true;
    try {
      const answer = await fetch(`/api/connections/${this.id}?watch=1`);
      this.#told = answer.ok ? await answer.json() : null;
      if (answer.status === 404) this.open('');
    } catch { /* the console is gone: the header says so */ } finally { this.#asking = false; }
    this.draw();
  }

  step(by) {
    this.#whole = false;
    const last = Math.max(0, (this.#told?.bars.length ?? 0) - LINES);
    const next = (this.#from ?? last) + by;
    this.#from = next >= last ? null : Math.max(0, next);
    this.draw();
  }

  toggleWhole() { this.#whole = !this.#whole; this.draw(); }

  draw() {
    if (!this.#told || !this.id) return;
    const { row } = this.#told, bars = this.#whole ? this.#told.waterfall : this.#told.bars, steps = this.#told.bars.length;
    const first = this.#whole ? 0 : this.#from ?? Math.max(0, bars.length - LINES);
    const seen = bars.slice(first, first + LINES); // an opening of many attempts may fill them all
    const bold = element('b', { textContent: `#${row.number}  ${row.peer} ${row.role === 'connected' ? '←' : '→'} ${row.local}` });
    $('life-title').replaceChildren('connection ', bold, `  ${row.service} · ${this.#age()}${bars.length > LINES ? ` · ${first + 1}–${first + seen.length} of ${bars.length}` : ''}`);
    $('life-keys').textContent = `${steps > LINES ? `←→ step · z ${this.#whole ? 'single steps' : 'whole life'} · ` : ''}esc close`;
    this.#bars(seen);
    ledger($('life-ledger'), this.#told.ledger);
    trend($('life-trend'), this.#told.trend);
    this.#why();
  }

  #age() {
    const { row, age } = this.#told;
    return `${row.closed ? 'lived' : 'open for'} ${seconds(age)}`;
  }

  #bars(seen) {
    const box = $('life-bars'), width = box.clientWidth || 900, svg = part('svg', { width, height: 246 });
    const start = Math.min(...seen.map((bar) => bar.start)), end = this.#whole ? last(seen, start) : shortened(seen, start);
    const x = (at) => LEFT + Math.min(1, (at - start) / (end - start)) * (width - LEFT - RIGHT);
    for (let k = 0; k <= 6; k++) {
      const at = start + k * (end - start) / 6;
      svg.append(part('line', { x1: x(at), x2: x(at), y1: 4, y2: LINES * PITCH + 10, class: 'axis' }));
      svg.append(part('text', { x: x(at), y: 240, 'text-anchor': k === 6 ? 'end' : 'middle' }, seconds(at - start)));
    }
    seen.forEach((bar, i) => {
      const y = 8 + i * PITCH, left = x(bar.start), wide = Math.max(3, x(bar.end) - left), text = bar.label.length * 6.7;
      svg.append(part('text', { x: 2, y: y + 11, class: 'lane' }, bar.lane));
      svg.append(part('rect', { x: left, y, width: wide, height: 14, rx: 3, class: `${bar.tone}${wide > 120 ? ' long' : ''}` }));
      const fits = left + wide + 6 + text < width, inside = !fits && text + 12 < wide;
      const at = fits ? left + wide + 6 : inside ? left + 6 : left - 8;
      svg.append(part('text', { x: at, y: y + 11, 'text-anchor': fits || inside ? 'start' : 'end', class: inside ? `on-${bar.tone}` : '' }, bar.label));
    });
    box.replaceChildren(svg);
  }

  #why() {
    const { findings, row, record, age: life, moments_lost: lost } = this.#told;
    const calm = !ENDED_BADLY.has(row.state) && life < CALM;
    $('why-title').className = ENDED_BADLY.has(row.state) ? '' : 'calm';
    const { who, how } = this.#told.ending, ended = who && `${row.state} — ${who}: ${how}`;
    $('why-title').textContent = ENDED_BADLY.has(row.state) ? `Ended: ${ended}` : ended ? `${seconds(life)}, then ${ended}` : calm ? `${seconds(life)} in all` : `Where did ${seconds(life)} go?`;
    $('why-list').replaceChildren(...findings.map((f) => element('li', {},
      element('b', { textContent: f.seconds ? `${f.title}: ${seconds(f.seconds)}` : f.title }),
      ` ${f.text}`, ...(f.advice ? [element('br'), element('span', { className: 'quiet', textContent: f.advice })] : []))));
    const notes = [row.subject && `last message ${row.subject}`];
    const kernel = this.#told.kernel;
    if (kernel) notes.push(`kernel: ${[kernel.state_name, kernel.congestion].filter(Boolean).join(', ')}, rtt ${seconds(kernel.rtt)}, cwnd ${kernel.snd_cwnd}, ${kernel.total_retrans} retransmitted`);
    if (!record.watched && !this.#told.moments) notes.push('its moments were not kept: summary only (serve --watch-all keeps all)');
    const first = this.#told.moments?.[0].at, since = first - record.started_at;
    if (record.first_in_at && first > record.first_in_at && !lost) notes.push(`watched since ${seconds(since)} after its start`);
    if (lost) notes.push(`${lost} older moments are gone`);
    $('why-note').textContent = notes.filter(Boolean).join(' · ');
  }
}
