import { equal, node, row, STATIC, test } from './harness.js';

const { Search } = await import(`${STATIC}/search.js`);

// A search with its elements; ``press`` is true if the key was taken from the browser.
function made() {
  const input = Object.assign(node('input'), { value: '', selectionStart: 0, scrollLeft: 0, blurred: 0, blur() { this.blurred += 1; }, setSelectionRange(at) { this.selectionStart = at; } });
  const [says, mark, list, told] = [node('p'), node('i'), node('ul'), []];
  list.hidden = true;
  const search = new Search({ input, says, mark, list }, () => ({ rows: [row({ service: 'echo' })], now: 0 }), (text) => told.push(text));
  const press = (key) => {
    let taken = false;
    input.listeners.keydown({ key, preventDefault() { taken = true; }, stopPropagation() {} });
    return taken;
  };
  const type = (text) => {
    [input.value, input.selectionStart] = [text, text.length];
    input.listeners.input();
  };
  return { search, input, list, says, mark, told, press, type, chosen: () => input.getAttribute('aria-activedescendant') };
}

test('arrows walk through the options and around both ends', () => {
  const { list, press, type, chosen } = made();
  type('s');
  equal(list.children.map((option) => option.firstChild), ['state:', 'svc:', 'subject:']);
  const walk = (...keys) => keys.map((key) => { press(key); return chosen(); });
  equal(walk('ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown'), ['option-0', 'option-1', 'option-2', 'option-0']);
  equal(walk('ArrowUp', 'ArrowUp'), ['option-2', 'option-1']);
  equal(list.children.map((option) => option.getAttribute('aria-selected')), ['false', 'true', 'false']);
  type('s'); // none is chosen: up begins at the end
  equal(walk('ArrowUp', 'ArrowUp'), ['option-2', 'option-1']);
});

test('an arrow opens the options where they are closed, other keys are left to the input', () => {
  const { input, list, press, type } = made();
  type('s');
  equal([press('Escape'), list.hidden, input.blurred], [true, true, 0]);
  equal([press('x'), list.hidden], [false, true]);
  equal([press('ArrowDown'), list.hidden], [true, false]);
  equal([press('Escape'), press('Escape'), input.blurred], [true, true, 1]);
});

test('Enter and Tab take the chosen option only; a column waits for its value', () => {
  const { input, list, told, press, type } = made();
  type('sv');
  equal([press('Tab'), input.value], [false, 'sv']);
  press('ArrowDown');
  equal([press('Tab'), input.value, list.hidden], [true, 'svc:', false]);
  press('ArrowDown');
  equal([press('Enter'), input.value, list.hidden], [true, 'svc:echo ', true]);
  equal([press('Enter'), input.blurred, told.at(-1)], [true, 1, 'svc:echo ']);
});

test('text with an error is marked at its place and not applied', () => {
  const { search, input, says, mark, told, type } = made();
  type('svc:http');
  type('svc:http foo:x');
  equal([told, says.hidden, mark.hidden, mark.style.left, input.getAttribute('aria-invalid')], [['svc:http'], false, false, 'calc(9ch + 11px - 0px)', 'true']);
  equal(search.test(row({ service: 'http' }), 0), true);
  search.set('');
  equal([says.hidden, mark.hidden, told.length], [true, true, 1]);
});
