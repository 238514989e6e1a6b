// A connection's ledger, drawn as it is told: whose seconds they were, the largest share first.

import { element } from './dom.js';
import { percent, seconds } from './format.js';

const PARTIES = ['you', 'peer', 'network', 'kernel', 'name lookup'];
const LOOKS = ['solid', 'striped', 'dotted']; // two causes of one party side by side stay apart

// Each share with the class that draws it; a party that is not known is drawn as the kernel's.
export function pieces(shares) {
  const seen = new Map();
  return shares.toSorted((a, b) => b.seconds - a.seconds).map((share) => {
    const party = PARTIES.includes(share.party) ? share.party : 'kernel', nth = seen.get(party) ?? 0;
    seen.set(party, nth + 1);
    return { ...share, look: `of-${party.replace(' ', '-')} ${LOOKS[nth % LOOKS.length]}` };
  });
}

export function ledger(title, shares) {
  const all = shares.reduce((sum, share) => sum + share.seconds, 0), drawn = pieces(shares);
  const stack = drawn.map((piece) => {
    const bar = element('i', { className: piece.look, title: `${piece.cause}: ${seconds(piece.seconds)}` });
    bar.style.flexGrow = piece.share;
    return bar;
  });
  return element('div', { className: 'ledger' },
    element('h3', {}, title, element('b', { textContent: seconds(all) })),
    element('div', { className: 'stack', 'aria-hidden': true }, ...stack),
    element('ul', {}, ...drawn.map((piece) => element('li', {}, element('i', { className: piece.look, 'aria-hidden': true }),
      element('span', { textContent: piece.cause }), element('small', { textContent: piece.party === piece.cause ? '' : piece.party }),
      element('b', { textContent: `${seconds(piece.seconds)}  ${percent(piece.share)}` })))));
}
