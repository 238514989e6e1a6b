// The page: rows that are kept up to date, one view of them that is a URL, and the keys.

import { Charts, joined } from './charts.js';
import { $, put } from './dom.js';
import { Feed } from './feed.js';
import { count, plural } from './format.js';
import { Life } from './life.js';
import * as pages from './pages.js';
import { Rows } from './rows.js';
import { Search } from './search.js';
import { Series } from './series.js';
import { Table } from './table.js';
import { formatView, PAGES, parseView } from './view.js';

const SOON = 500, REFRESH = 2000; // ms: ages go on without news; the lease of an open connection's moments, too
const SETTLED = 3; // seconds after which a second's samples have arrived: LATE of console/store.py

let view = parseView(''), stale = true, drawn = false, charted = -1, tokenFile = '';
const rows = new Rows(), series = new Series(), charts = new Charts();
const life = new Life((why) => { say(why); go({ open: '' }, { replace: true }); });
const table = new Table($('page-connections'), $('head'), $('rows'), { changed: draw, held: rearrange, sorted: (sort) => go({ sort }), opened: (id) => go({ open: id }) });
const search = new Search({ input: $('filter'), says: $('filter-says'), mark: $('filter-mark'), list: $('filter-list') },
  () => ({ rows: rows.all.values(), now: feed.now() }), typed);
const feed = new Feed(rows, heard, { EventSource, fetch: (url) => fetch(url), now: Date.now, every: (ms, check) => setInterval(check, ms) });

function heard(changed) {
  for (const sample of changed) series.note(...sample);
  stale = true;
  if (life.id && changed.some(([row]) => row.id === life.id)) life.refresh();
  draw();
}

function rearrange() {
  stale = true;
  draw();
}

function draw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => { drawn = false; drawNow(); });
}

function drawNow() {
  const now = feed.now();
  if (stale) table.arrange(rows.all, search.test, now);
  stale = false;
  drawCharts(now);
  if (view.page === 'connections') table.draw(now);
  else pages[view.page]($(`page-${view.page}`), rows, now, (filter) => go({ page: 'connections', filter }));
  header();
}

function drawCharts(now) {
  const until = Math.floor(now) - SETTLED;
  if (until === charted) return;
  charted = until;
  const points = series.points(until, (id) => rows.all.has(id) ? search.test(rows.all.get(id), now) : !view.filter);
  charts.draw(joined(points, rows.history, view.filter !== ''), until, view.filter ? points[0]?.at ?? until : 0);
}

function header() {
  const live = rows.workers.filter((worker) => !worker.gone), died = rows.workers.filter((worker) => worker.gone && !worker.in_order);
  const named = live.length === 1 ? live[0].program : plural(live.length, 'worker');
  const states = {
    connecting: ['○ connecting', 'pill'], paused: ['❚❚ paused', 'pill warn'], gone: ['○ console gone, retrying', 'pill bad'],
    locked: ['○ token wanted: open the printed URL', 'pill bad'], live: live.length ? [`● live ${named}`, 'pill good'] : ['○ no worker', 'pill warn'],
  };
  put($('live'), ...states[feed.state]);
  put($('pause').firstChild, feed.state === 'paused' ? '▶' : '❚❚');
  put($('pause').lastChild, feed.state === 'paused' ? ' resume' : ' pause');
  const { live: open, badly, kept, untold } = rows.totals, lost = untold + rows.skipped, ended = Math.max(rows.totals.ended, kept); // a dead worker counted none of its last ones
  $('troubles').hidden = !badly && !died.length;
  put($('troubles'), died.length ? `${plural(died.length, 'worker')} died` : `${count(badly)} ended badly`, `pill ${died.length ? 'bad' : 'warn'}`);
  put($('counts'), `${count(open)} live · ${count(ended)} closed${ended > kept ? `, the last ${count(kept)} kept` : ''}${table.rows.length < rows.all.size ? ` · ${count(table.rows.length)} shown` : ''}`);
  put($('lost'), lost ? `${count(lost)} closed connections dropped from view` : '');
  $('empty').hidden = table.rows.length > 0 || feed.state === 'connecting';
  put($('empty'), rows.all.size ? `no connection matches ${view.filter}` : live.length ? 'no connection yet' : 'no serving process is connected: netwright serve app.py');
  $('held').hidden = table.waiting === 0;
  put($('held'), `${plural(table.waiting, 'new row')} · u shows`);
  announce(feed.state, died.length);
}

// What a screen reader hears: the console's state when it changes, a worker's death, answers to what was typed.
let announced = '';
function announce(state, died) {
  const text = `${state === 'live' || state === 'connecting' ? '' : $('live').textContent} ${died ? `${plural(died, 'worker')} died` : ''}`.trim();
  if (text !== announced) put($('said'), text);
  announced = text;
}

let quiet = 0;
function say(text) {
  put($('said'), text);
  clearTimeout(quiet);
  quiet = setTimeout(() => put($('said'), ''), 4000);
}

// Show another view and put it into the history; Back returns to the one before.
function go(change, { replace = false } = {}) {
  const next = { ...view, ...change }, opening = next.open && !view.open, url = formatView(next) || location.pathname;
  if (formatView(next) === formatView(view)) return apply(next);
  const state = { opened: opening || Boolean(next.open && history.state?.opened) };
  if (replace) history.replaceState(state, '', url); else history.pushState(state, '', url);
  apply(next);
}

function apply(next) {
  const other = next.filter !== view.filter || next.sort !== view.sort || next.page !== view.page;
  view = next;
  table.sort = view.sort;
  search.set(view.filter);
  if (view.open || table.here) table.here = view.open;
  if (view.open !== life.id) life.open(view.open);
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === view.page) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
    link.href = formatView({ ...view, page: link.dataset.page, open: '' }) || location.pathname;
  }
  for (const page of PAGES) $(`page-${page}`).hidden = page !== view.page;
  if (other) { table.release(rows.all, search.test, feed.now()); charted = -1; }
  rearrange();
}

// One edit of the filter is one step of the history.
let edited = false;
let told = 0;
function typed(text) {
  go({ filter: text }, { replace: edited });
  edited = true;
  clearTimeout(told);
  told = setTimeout(() => say(`${plural(table.rows.length, 'connection')} shown`), 700);
}

// Closing takes back the step that opened, so that Back does not open it again.
function close() {
  if (!view.open) { table.here = ''; rearrange(); } else if (history.state?.opened) history.back(); else go({ open: '' });
}

function select(by) {
  const id = table.move(by);
  if (view.open && id) go({ open: id }, { replace: true });
}

function download() {
  const lines = table.rows.map((row) => `${JSON.stringify(row)}\n`), link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(lines, { type: 'application/jsonl' }));
  link.download = 'connections.jsonl';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  say(`${plural(lines.length, 'connection')} exported`);
}

// The token stays out of the clipboard and of the shell's history: the command reads it where the console keeps it.
async function copy() {
  if (!view.open) return;
  const header = tokenFile ? ` -H "Authorization: Bearer $(cat '${tokenFile}')"` : '';
  const command = `curl${header} ${new URL(`api/connections/${view.open}`, location.href.split('?')[0])}`;
  try {
    await navigator.clipboard.writeText(command);
    say('curl command copied');
  } catch { // no clipboard outside of https and loopback, or it is not allowed
    window.prompt('a curl command for this connection', command);
  }
}

const pause = () => feed.pause(feed.state !== 'paused');
const update = () => { table.release(rows.all, search.test, feed.now()); draw(); };
const KEYS = {
  j: () => select(1), k: () => select(-1), ArrowDown: () => select(1), ArrowUp: () => select(-1),
  PageDown: () => select(20), PageUp: () => select(-20), Home: () => select(-1e9), End: () => select(1e9),
  Enter: () => { const id = table.here || table.move(0); if (id) go({ open: id }); }, Escape: close,
  ArrowLeft: () => life.step(-5), ArrowRight: () => life.step(5), z: () => life.toggleWhole(),
  '/': () => search.focus(), ' ': pause, '?': () => $('help').showModal(), u: update,
  s: () => table.nextSort(), r: () => table.reverse(), y: copy, t: () => window.nextTheme(),
  ...Object.fromEntries(PAGES.map((page, i) => [i + 1, () => go({ page, open: '' })])),
};

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open || !Object.hasOwn(KEYS, event.key)) return;
  const target = event.target.closest('input, button, a');
  if (target?.matches('input') || target && (event.key === 'Enter' || event.key === ' ')) return;
  event.preventDefault();
  KEYS[event.key]();
});
addEventListener('popstate', () => apply(parseView(location.search)));
document.querySelector('nav').onclick = (event) => {
  const page = event.target.closest('a')?.dataset.page;
  if (!page || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ page, open: '' });
};
$('filter').addEventListener('blur', () => { edited = false; });
$('pause').onclick = pause;
$('export').onclick = download;
$('theme').onclick = () => window.nextTheme();
$('troubles').onclick = () => go({ page: rows.workers.some((worker) => worker.gone && !worker.in_order) ? 'workers' : 'findings', open: '' });
$('held').onclick = update;
$('curl').onclick = copy;
$('close').onclick = close;
$('help').onclick = () => $('help').close();
apply(parseView(location.search));
setInterval(draw, SOON);
setInterval(() => feed.state !== 'paused' && life.refresh(), REFRESH);
fetch('api/access').then((answer) => answer.json()).then((access) => { tokenFile = access.token_file; }).catch(() => { /* the command goes without it */ });
