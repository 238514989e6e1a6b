// What the page shows, as the query of its URL: every view can be sent to somebody else.

export const PAGES = ['connections', 'services', 'findings', 'workers'];
export const EMPTY = { page: 'connections', filter: '', sort: '', open: '' };

export function parseView(search) {
  const asked = new URLSearchParams(search);
  const view = Object.fromEntries(Object.entries(EMPTY).map(([name, usual]) => [name, asked.get(name) ?? usual]));
  if (!PAGES.includes(view.page)) view.page = EMPTY.page;
  if (!/^\d+\.\d+$/.test(view.open)) view.open = '';
  return view;
}

export function formatView(view) {
  const asked = new URLSearchParams();
  for (const [name, usual] of Object.entries(EMPTY)) if (view[name] !== usual) asked.set(name, view[name]);
  const text = asked.toString().replaceAll('%3A', ':').replaceAll('%3E', '>');
  return text ? `?${text}` : '';
}
