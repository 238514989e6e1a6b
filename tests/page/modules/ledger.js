import { equal, STATIC, test } from './harness.js';

const { ledger, pieces } = await import(`${STATIC}/ledger.js`);
const share = (cause, party, seconds, part) => ({ cause, party, seconds, share: part });
const SHARES = [share('handler', 'you', 1, 0.1), share('peer to send', 'peer', 6, 0.6), share('peer to read', 'peer', 3, 0.3)];

test('shares are drawn as told, the largest first', () => {
  equal(pieces(SHARES).map((piece) => [piece.cause, piece.share]), [['peer to send', 0.6], ['peer to read', 0.3], ['handler', 0.1]]);
  equal(SHARES[0].cause, 'handler');
});

test('a party has one colour, and its causes have patterns', () => {
  equal(pieces(SHARES).map((piece) => piece.look), ['of-peer solid', 'of-peer striped', 'of-you solid']);
  equal(pieces([share('name lookup', 'name lookup', 1, 1)])[0].look, 'of-name-lookup solid');
  equal(pieces([share('x', 'somebody new', 1, 1)])[0].look, 'of-kernel solid');
});

test('every share has its bar, its words, its seconds and its percent', () => {
  const drawn = ledger('its time', SHARES);
  equal(drawn.querySelector('h3').textContent, 'its time10.0 s');
  equal(drawn.children[1].children.map((bar) => bar.style.flexGrow), [0.6, 0.3, 0.1]);
  equal(drawn.all('li').map((line) => line.textContent), ['peer to sendpeer6.0 s  60 %', 'peer to readpeer3.0 s  30 %', 'handleryou1.0 s  10 %']);
});

test('no share draws no bar', () => equal(ledger('x', []).all('li').length, 0));
