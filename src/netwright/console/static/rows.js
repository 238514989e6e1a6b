// The page's copy of the console's rows: the messages of /api/events merged in order.

export class Rows {
  all = new Map(); // id to row, the oldest change first
  workers = [];
  history = [];
  revision = 0;
  boot = ''; // names a run of the console; revisions of another run mean nothing
  skipped = 0; // closed rows that were not sent because there were too many
  totals = { live: 0, ended: 0, badly: 0, kept: 0, untold: 0 }; // since the workers' start
  skew = 0; // the console's clock less the browser's, seconds
  #fields = [];
  #kernelFields = [];
  #closedLimit = 2000;
  #historyLimit = 600;

  get since() { return `${this.boot}.${this.revision}`; }

  // Returns [row, the row before or undefined, when it was taken, when its worker's sample before was] for each row
  // that changed.
  take(message, browserNow) {
    this.skew = message.now - browserNow;
    if (message.hello) this.#reset(message.hello);
    const sampled = (workers, pid) => workers.find((worker) => worker.pid === pid)?.sampled;
    const changed = message.rows.map((values) => {
      const row = Object.fromEntries(this.#fields.map((name, i) => [name, values[i]])), at = row.closed || sampled(message.workers, row.worker) || message.now;
      return [...this.#put(row), at, sampled(this.workers, row.worker) || at];
    });
    this.workers = message.workers;
    this.totals = message.totals;
    for (const [id, ...values] of message.kernel) {
      const before = this.all.get(id);
      if (!before) continue;
      const row = { ...before };
      this.#kernelFields.forEach((name, i) => { row[name] = values[i]; });
      this.all.set(id, row);
      changed.push([row, before, message.now, message.now]);
    }
    this.skipped += message.skipped;
    this.history.push(...message.points);
    this.history.splice(0, Math.max(0, this.history.length - this.#historyLimit));
    this.revision = message.revision;
    this.#forget(new Set(message.workers.map((worker) => worker.pid)));
    this.#prune();
    return changed;
  }

  #put(row) {
    const before = this.all.get(row.id);
    this.all.delete(row.id); // to the end of the order
    this.all.set(row.id, row);
    return [row, before];
  }

  #reset(hello) {
    if (hello.boot !== this.boot) {
      this.all.clear();
      this.skipped = 0;
    }
    this.boot = hello.boot;
    this.#fields = hello.fields;
    this.#kernelFields = hello.kernel_fields;
    this.#closedLimit = hello.closed_limit;
    this.#historyLimit = hello.history_limit;
    this.history = [];
  }

  #forget(known) {
    for (const row of this.all.values()) if (!known.has(row.worker)) this.all.delete(row.id);
  }

  #prune() {
    let surplus = -this.#closedLimit;
    for (const row of this.all.values()) surplus += row.closed > 0;
    for (const row of this.all.values()) {
      if (surplus <= 0) return;
      if (row.closed) { this.all.delete(row.id); surplus -= 1; }
    }
  }
}
