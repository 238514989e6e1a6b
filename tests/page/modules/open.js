import { equal, node, row, STATIC, test } from './harness.js';

const elements = new Map();
document.getElementById = (id) => {
  if (!elements.has(id)) elements.set(id, node('div'));
  return elements.get(id);
};
document.body = { classList: { toggle() {} } };
const { Life } = await import(`${STATIC}/life.js`);
const settled = async () => { for (let turn = 0; turn < 10; turn++) await null; };

// A life whose questions wait until the case answers them.
function asked() {
  const questions = [], lost = [];
  globalThis.fetch = (url) => new Promise((answer) => { questions.push({ url, answer }); });
  return { life: new Life((why) => lost.push(why)), questions, lost };
}

const body = (id) => ({
  row: row({ id, number: Number(id.split('.')[1]) }), bars: [], waterfall: [], ledger: [], trend: [], findings: [], age: 1, record: {}, kernel: null,
  moments: null, moments_lost: 0, ending: { who: '', how: '' },
});
const ok = (id) => ({ status: 200, ok: true, json: async () => body(id) });
const title = () => document.getElementById('life-title').textContent;

test('a connection that is opened while another is asked for is asked for next, and the late answer is not shown', async () => {
  const { life, questions } = asked();
  life.open('7.1');
  life.open('7.2');
  equal(questions.map((question) => question.url), ['api/connections/7.1?watch=1']);
  questions[0].answer(ok('7.1'));
  await settled();
  equal(questions.map((question) => question.url), ['api/connections/7.1?watch=1', 'api/connections/7.2?watch=1']);
  equal(title(), '');
  questions[1].answer(ok('7.2'));
  await settled();
  equal(title().includes('#2 '), true);
  life.refresh();
  equal(questions.length, 3);
});

test('one question at a time, and a console that is gone ends none of the later ones', async () => {
  const { life, questions } = asked();
  life.open('7.1');
  life.refresh();
  equal(questions.length, 1);
  questions[0].answer(Promise.reject(new Error('gone')));
  await settled();
  life.refresh();
  equal(questions.length, 2);
});

test('a connection that is not kept any more is reported', async () => {
  const { life, questions, lost } = asked();
  life.open('7.3');
  questions[0].answer({ status: 404, ok: false });
  await settled();
  equal(lost, ['connection 7.3 is not kept any more']);
});

test('bars are drawn where there is room for them', async () => {
  const { life, questions } = asked(), box = document.getElementById('life-bars'), svgs = (width) => { box.clientWidth = width; life.draw(); return box.children.length; };
  life.open('7.4');
  const bar = { lane: 'in', label: '5 B', start: 1, end: 1, tone: 'data' };
  questions[0].answer({ ...ok('7.4'), json: async () => ({ ...body('7.4'), bars: [bar], waterfall: [bar] }) });
  await settled();
  equal([svgs(49), svgs(50), svgs(400)], [0, 1, 1]);
});
