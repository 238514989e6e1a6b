// Keeps Rows up to date with server-sent events, also across a console that ends and comes back.

const QUIET = 6000; // ms without a message after which the console counts as gone; it says something every 2 s
const CHECK = 1000; // ms between two looks at the clock

// ``world`` is what a browser offers: EventSource, fetch, now() in ms, every(ms, f).
export class Feed {
  state = 'connecting'; // connecting, live, paused, gone, locked
  #rows;
  #world;
  #changed;
  #source = null;
  #heard = 0;
  #stopped = null; // the console's time at which the page was paused

  constructor(rows, changed, world) {
    [this.#rows, this.#changed, this.#world] = [rows, changed, world];
    world.every(CHECK, () => this.#check());
    this.#open();
  }

  now = () => this.#stopped ?? this.#world.now() / 1e3 + this.#rows.skew;

  pause(on) {
    if (on === (this.state === 'paused')) return;
    this.#stopped = on ? this.now() : null;
    this.state = on ? 'paused' : 'connecting';
    if (on) this.#source.close(); else this.#open();
    this.#changed([]);
  }

  #open() {
    this.#source?.close();
    this.#heard = this.#world.now();
    const source = this.#source = new this.#world.EventSource(`api/events?since=${this.#rows.since}`);
    source.onmessage = (event) => { if (source === this.#source) this.#take(JSON.parse(event.data)); };
    source.onerror = () => { if (source === this.#source) this.#lose(source); };
  }

  #take(message) {
    if (this.state === 'paused') return;
    this.#heard = this.#world.now();
    this.state = 'live';
    this.#changed(this.#rows.take(message, this.#heard / 1e3));
  }

  async #lose(source) {
    if (this.state === 'paused') return;
    this.state = 'gone';
    this.#changed([]);
    if (source.readyState !== 2) return; // CONNECTING: the browser tries again by itself
    const answer = await this.#world.fetch('api/health').catch(() => null);
    if (answer?.status === 401 && this.state === 'gone') { this.state = 'locked'; this.#changed([]); }
  }

  #check() {
    if (this.state === 'paused' || this.#world.now() - this.#heard < QUIET) return;
    if (this.state !== 'locked') this.state = 'gone';
    this.#open();
    this.#changed([]);
  }
}
