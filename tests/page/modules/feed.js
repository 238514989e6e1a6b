import { equal, near, STATIC, test } from './harness.js';

const { Feed } = await import(`${STATIC}/feed.js`);
const { Rows } = await import(`${STATIC}/rows.js`);

// A browser of which the test moves the clock.
class World {
  time = 990_000;
  status = 200;
  sources = [];
  constructor() {
    const world = this;
    this.EventSource = class {
      readyState = 1;
      constructor(url) { this.url = url; world.sources.push(this); }
      close() { this.readyState = 2; }
      tell(changes = {}) { this.onmessage({ data: JSON.stringify({ now: 1000, revision: 1, workers: [], rows: [], kernel: [], points: [], skipped: 0, ...changes }) }); }
    };
  }
  now = () => this.time;
  every = (ms, check) => { this.check = check; };
  fetch = async () => ({ status: this.status });
  pass(ms) { for (let gone = 0; gone < ms; gone += 1000) { this.time += 1000; this.check(); } }
  get last() { return this.sources.at(-1); }
  get open() { return this.sources.filter((source) => source.readyState !== 2).length; }
}

const HELLO = { boot: 'a', fields: ['id'], kernel_fields: [], closed_limit: 2, history_limit: 3 };
const start = () => {
  const world = new World(), rows = new Rows(), changes = [];
  return { world, rows, changes, feed: new Feed(rows, (changed) => changes.push(changed), world) };
};
const settled = async () => { for (let i = 0; i < 5; i++) await null; };

test('a page begins by asking for everything and is live with the first message', () => {
  const { world, feed } = start();
  equal([world.last.url, feed.state], ['api/events?since=.0', 'connecting']);
  world.last.tell({ hello: HELLO });
  equal(feed.state, 'live');
  near(feed.now(), 1000);
});

test('a console that is silent for six seconds is gone, one that spoke just before is not', () => {
  const { world, feed } = start();
  world.last.tell({ hello: HELLO });
  world.pass(5000);
  equal([feed.state, world.sources.length], ['live', 1]);
  world.pass(1000);
  equal([feed.state, world.sources.length, world.open], ['gone', 2, 1]);
});

test('each message renews the six seconds', () => {
  const { world, feed } = start();
  for (let i = 0; i < 4; i++) { world.last.tell({ hello: HELLO }); world.pass(5000); }
  equal([feed.state, world.sources.length], ['live', 1]);
});

test('coming back asks for what changed since the revision that is known', () => {
  const { world, feed } = start();
  world.last.tell({ hello: HELLO, revision: 41 });
  world.pass(7000);
  equal(world.last.url, 'api/events?since=a.41');
  world.last.tell({ revision: 42 });
  equal(feed.state, 'live');
  world.pass(14_000);
  equal(world.last.url, 'api/events?since=a.42');
});

test('while the console is away it is tried again every six seconds, with one source at a time', () => {
  const { world } = start();
  world.pass(30_000);
  equal([world.sources.length, world.open], [6, 1]);
});

test('a source that was given up is not heard any more', () => {
  const { world, rows, feed } = start();
  const first = world.last;
  first.tell({ hello: HELLO });
  world.pass(7000);
  first.tell({ revision: 9 });
  first.onerror();
  equal([rows.revision, feed.state], [1, 'gone']);
});

test('an error says gone at once and leaves the trying to the browser', async () => {
  const { world, feed, changes } = start();
  world.last.tell({ hello: HELLO });
  world.last.readyState = 0;
  world.last.onerror();
  await settled();
  equal([feed.state, world.sources.length, changes.length], ['gone', 1, 2]);
});

test('a source that is closed by a 401 says that the token is wanted, and goes on trying', async () => {
  const { world, feed } = start();
  world.status = 401;
  world.last.close();
  world.last.onerror();
  await settled();
  equal(feed.state, 'locked');
  world.pass(7000);
  equal([feed.state, world.sources.length], ['locked', 2]);
  world.last.tell({ hello: HELLO });
  equal(feed.state, 'live');
});

test('a console that ended is gone, not locked', async () => {
  const { world, feed } = start();
  world.fetch = async () => { throw new Error('refused'); };
  world.last.close();
  world.last.onerror();
  await settled();
  equal(feed.state, 'gone');
});

test('a pause stops the clock and the feed, and going on asks for what was missed', () => {
  const { world, feed } = start();
  world.last.tell({ hello: HELLO, revision: 5 });
  feed.pause(true);
  feed.pause(true);
  world.pass(60_000);
  equal([feed.state, feed.now(), world.open, world.sources.length], ['paused', 1000, 0, 1]);
  feed.pause(false);
  equal([feed.state, world.last.url, world.open], ['connecting', 'api/events?since=a.5', 1]);
  near(feed.now(), 1060);
  feed.pause(false);
  equal(world.sources.length, 2);
});
