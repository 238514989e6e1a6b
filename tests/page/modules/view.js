import { equal, STATIC, test } from './harness.js';

const { EMPTY, formatView, PAGES, parseView } = await import(`${STATIC}/view.js`);

test('every view survives its way through the URL', () => {
  for (const page of PAGES) {
    for (const filter of ['', 'state:open rtt>120', '-proto:tcp note:"a & b" 50%', 'é#?=+']) {
      for (const sort of ['', '-rtt']) {
        for (const open of ['', '7.12']) equal(parseView(formatView({ page, filter, sort, open })), { page, filter, sort, open });
      }
    }
  }
});

test('the plain view has no query, and words stay readable', () => {
  equal(formatView(EMPTY), '');
  equal(formatView({ ...EMPTY, filter: 'state:open rtt>120' }), '?filter=state:open+rtt>120');
});

test('what no view can be is left out', () => {
  equal(parseView('?page=nonsense&open=../../x&token=t'), EMPTY);
  equal(['7.1', '7.', '.1', '7.1x', '7,1', '<b>'].map((open) => parseView(`?open=${encodeURIComponent(open)}`).open), ['7.1', '', '', '', '', '']);
});
