// The page's copy of the console's rows, kept by server-sent events (/api/events).

const QUIET = 6000; // ms without a message after which the console counts as gone; it says something every 2 s

export class Feed {
  rows = new Map();
  workers = [];
  history = [];
  revision = 0;
  skipped = 0;
  state = 'connecting'; // connecting, live, paused, gone
  #boot = '';
  #closedLimit = 2000;
  #historyLimit = 600;
  #skew = 0; // the console's time of day less ours, seconds
  #source = null;
  #heard = 0;
  #changed;

  constructor(changed) {
    this.#changed = changed;
    setInterval(() => this.#check(), 1000);
    this.#open();
  }

  now = () => this.#stopped ?? Date.now() / 1e3 + this.#skew;
  #stopped = null;

  pause(on) {
    if (on === (this.state === 'paused')) return;
    this.#source?.close();
    this.#stopped = on ? this.now() : null;
    this.state = on ? 'paused' : 'connecting';
    if (!on) this.#open();
    this.#changed();
  }

  #open() {
    this.#heard = Date.now();
    this.#source = new EventSource(`/api/events?since=${this.#boot}.${this.revision}`);
    this.#source.onmessage = (event) => this.#take(JSON.parse(event.data));
    this.#source.onerror = () => { this.state = 'gone'; this.#changed(); }; // the browser tries again by itself
  }

  #check() {
    if (this.state === 'paused' || Date.now() - this.#heard < QUIET) return;
    this.state = 'gone';
    this.#source.close();
    this.#open();
    this.#changed();
  }

  #take(told) {
    this.#heard = Date.now();
    this.#skew = told.now - Date.now() / 1e3;
    this.state = 'live';
    if (told.hello) this.#reset(told.hello);
    this.workers = told.workers;
    this.#forget(new Set(told.workers.map((worker) => worker.pid)));
    for (const values of told.rows) {
      const row = Object.fromEntries(this.fields.map((name, i) => [name, values[i]]));
      this.rows.delete(row.id); // to the end: the oldest change comes first
      this.rows.set(row.id, row);
    }
    for (const [id, ...values] of told.kernel) {
      const row = this.rows.get(id);
      this.kernelFields.forEach((name, i) => { if (row) row[name] = values[i]; });
    }
    this.skipped += told.skipped;
    this.history.push(...told.points);
    this.history.splice(0, this.history.length - this.#historyLimit);
    this.revision = told.revision;
    this.#prune();
    this.#changed(told);
  }

  #reset(hello) {
    if (hello.boot !== this.#boot) this.rows.clear();
    this.#boot = hello.boot;
    this.fields = hello.fields;
    this.kernelFields = hello.kernel_fields;
    this.#closedLimit = hello.closed_limit;
    this.#historyLimit = hello.history_limit;
    this.history = [];
  }

  #forget(known) {
    for (const row of this.rows.values()) if (!known.has(row.worker)) this.rows.delete(row.id);
  }

  #prune() {
    let closed = 0;
    for (const row of this.rows.values()) closed += row.closed > 0;
    if (closed <= this.#closedLimit) return;
    for (const row of this.rows.values()) {
      if (row.closed && closed-- > this.#closedLimit) this.rows.delete(row.id);
    }
  }
}
