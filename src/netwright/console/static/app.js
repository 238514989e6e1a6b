// The page: one feed, one table, one life; keys and pages.

import { Charts } from './charts.js';
import { Feed } from './feed.js';
import { parseFilter } from './filter.js';
import { count } from './format.js';
import { Life } from './life.js';
import * as pages from './pages.js';
import { Table } from './table.js';

const $ = (id) => document.getElementById(id);
const PAGES = ['connections', 'services', 'workers'];

let page = 'connections', test = () => true, stale = true, drawn = false;
const life = new Life();
const feed = new Feed((told) => {
  stale = true;
  if (life.id && (!told || told.rows?.some((row) => row[0] === life.id))) life.refresh();
  draw();
});
const table = new Table($('page-connections'), $('head'), $('rows'), (again) => { stale ||= again; draw(); }, open);
const charts = new Charts();
setInterval(draw, 500); // ages go on without news
setInterval(() => feed.state !== 'paused' && life.refresh(), 2000); // the lease of its moments, too

function draw() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(() => { drawn = false; drawNow(); });
}

function drawNow() {
  if (stale) {
    table.arrange(feed.rows.values(), test, feed.now());
    charts.draw(feed.history);
    stale = false;
  }
  if (page === 'connections') table.draw(feed.now());
  else pages[page]($(`page-${page}`), feed, (word) => { show('connections'); setFilter(word); });
  header();
}

const put = (id, text, look) => {
  if ($(id).textContent !== text) $(id).textContent = text;
  if (look !== undefined && $(id).className !== look) $(id).className = look;
};

function header() {
  const live = feed.workers.filter((w) => !w.gone), dead = feed.workers.filter((w) => w.gone && !w.in_order);
  const named = live.length === 1 ? live[0].program : `${live.length} workers`;
  const said = { connecting: ['○ connecting', 'pill'], paused: ['❚❚ paused', 'pill warn'], gone: ['○ console gone, retrying', 'pill bad'] }[feed.state]
    ?? (live.length ? [`● live ${named}`, 'pill good'] : ['○ no worker', 'pill warn']);
  put('live', ...said);
  put('pause', feed.state === 'paused' ? '▶ go on' : '❚❚ pause');
  let bad = 0, open = 0;
  for (const row of feed.rows.values()) { bad += row.tone === 'bad'; open += !row.closed; }
  $('troubles').hidden = !bad && !dead.length;
  put('troubles', dead.length ? `${dead.length} worker${dead.length > 1 ? 's' : ''} died` : `${bad} ended badly`, 'pill bad');
  put('counts', `${count(open)} connections · ${count(feed.rows.size - open)} closed${table.visible.length < feed.rows.size ? ` · ${table.visible.length} shown` : ''}`);
  const lost = feed.workers.reduce((sum, w) => sum + w.lost, 0) + feed.skipped;
  put('lost', lost ? `${count(lost)} closed ones not told` : '', 'warn');
  $('empty').hidden = table.visible.length > 0 || feed.state === 'connecting';
  put('empty', feed.rows.size ? 'no connection matches the filter' : live.length ? 'no connection yet' : 'no serving process is connected: netwright serve app.py');
}

function setFilter(text, typed = false) {
  if (!typed) $('filter').value = text;
  try {
    test = parseFilter(text);
    put('filter-says', '');
    $('filter').classList.remove('bad');
    $('export').href = `/api/connections?filter=${encodeURIComponent(text)}`;
    address('filter', text);
  } catch (error) {
    put('filter-says', error.message);
    $('filter').classList.add('bad');
  }
  stale = true;
  draw();
}

// Every view is an address: ?filter=…&open=worker.number#page
function address(name, value) {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
  if (url.href !== location.href) history.replaceState(null, '', url);
}

function open(id) {
  table.here = id || table.here;
  life.open(id);
  address('open', id);
  draw();
}

function show(name) {
  page = PAGES.includes(name) ? name : 'connections';
  for (const link of document.querySelectorAll('nav a')) link.classList.toggle('on', link.dataset.page === page);
  for (const each of PAGES) $(`page-${each}`).hidden = each !== page;
  if (location.hash.slice(1) !== page) history.replaceState(null, '', `${location.search}#${page}`);
  draw();
}

const follow = (id) => { if (life.id && id) open(id); };
const KEYS = {
  j: () => follow(table.move(1)), k: () => follow(table.move(-1)), ArrowDown: () => follow(table.move(1)), ArrowUp: () => follow(table.move(-1)),
  PageDown: () => follow(table.move(20)), PageUp: () => follow(table.move(-20)), Home: () => follow(table.move(-1e9)), End: () => follow(table.move(1e9)),
  Enter: () => open(table.here || table.move(0)), Escape: () => open(''),
  ArrowLeft: () => life.step(-5), ArrowRight: () => life.step(5), z: () => life.toggleWhole(),
  '/': () => $('filter').focus(), ' ': () => feed.pause(feed.state !== 'paused'), '?': () => $('help').showModal(),
  s: () => table.nextSort(), r: () => table.reverse(),
  y: () => life.id && navigator.clipboard?.writeText(`curl ${location.origin}/api/connections/${life.id}`),
  1: () => show(PAGES[0]), 2: () => show(PAGES[1]), 3: () => show(PAGES[2]),
};

addEventListener('keydown', (event) => {
  if (event.target === $('filter')) {
    if (event.key === 'Escape' || event.key === 'Enter') $('filter').blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || $('help').open || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
addEventListener('hashchange', () => show(location.hash.slice(1)));
$('filter').oninput = (event) => setFilter(event.target.value, true);
$('pause').onclick = () => KEYS[' ']();
$('troubles').onclick = () => feed.workers.some((w) => w.gone && !w.in_order) ? show('workers') : setFilter('tone:bad');
$('help').onclick = () => $('help').close();
const asked = new URLSearchParams(location.search);
show(location.hash.slice(1));
setFilter(asked.get('filter') ?? '');
if (asked.get('open')) open(asked.get('open'));
