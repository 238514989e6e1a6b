// The filter's input: errors at their place, completion by keyboard (the combobox pattern of WAI-ARIA).

import { accept, complete } from './complete.js';
import { element, put } from './dom.js';
import { FilterError, parseFilter } from './filter.js';

export class Search {
  test = () => true;
  #input; #says; #mark; #list; #rows; #changed;
  #found = { options: [] };
  #chosen = -1;

  // ``rows()`` gives what values are completed from, and the time; ``changed(text)`` is called for text without error.
  constructor({ input, says, mark, list }, rows, changed) {
    [this.#input, this.#says, this.#mark, this.#list, this.#rows, this.#changed] = [input, says, mark, list, rows, changed];
    input.addEventListener('input', () => { this.#parse(true); this.#suggest(); });
    input.addEventListener('keydown', (event) => this.#key(event));
    input.addEventListener('blur', () => this.#close());
    input.addEventListener('scroll', () => this.#place());
    list.addEventListener('pointerdown', (event) => {
      event.preventDefault(); // the input keeps the focus
      const at = [...list.children].indexOf(event.target.closest('li'));
      if (at >= 0) this.#accept(at);
    });
  }

  focus() { this.#input.focus(); this.#input.select(); }

  // Text that comes from somewhere else: a URL, a click.
  set(text) {
    if (this.#input.value !== text) this.#input.value = text;
    this.#parse(false);
  }

  #error = null;

  #parse(typed) {
    const text = this.#input.value;
    this.#error = null;
    try {
      this.test = parseFilter(text);
      if (typed) this.#changed(text);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      this.#error = error;
    }
    this.#input.setAttribute('aria-invalid', this.#error !== null);
    put(this.#says, this.#error?.message ?? '');
    this.#says.hidden = this.#mark.hidden = !this.#error;
    this.#place();
  }

  // The input's font has one width: a place in the text is a number of ch.
  #place() {
    if (!this.#error) return;
    const { start, end } = this.#error, scrolled = this.#input.scrollLeft;
    this.#mark.style.left = `calc(${start}ch + 11px - ${scrolled}px)`;
    this.#mark.style.width = `${Math.max(1, end - start)}ch`;
    this.#says.style.left = `min(calc(${start}ch + 3px - ${scrolled}px), max(0px, 100% - ${this.#error.message.length + 3}ch))`;
  }

  #suggest() {
    const { rows, now } = this.#rows();
    this.#found = complete(this.#input.value, this.#input.selectionStart, rows, now);
    this.#chosen = -1;
    this.#list.replaceChildren(...this.#found.options.map(({ text, hint }, i) =>
      element('li', { id: `option-${i}`, role: 'option', 'aria-selected': 'false' }, text, element('small', { textContent: hint }))));
    this.#open(this.#found.options.length > 0);
  }

  #open(on) {
    this.#list.hidden = !on;
    this.#input.setAttribute('aria-expanded', on);
    if (!on) this.#input.removeAttribute('aria-activedescendant');
  }

  #close() { this.#open(false); }

  #choose(by) {
    const options = this.#list.children;
    options[this.#chosen]?.setAttribute('aria-selected', false);
    this.#chosen = (this.#chosen + by + (this.#chosen < 0 && by < 0 ? 1 : 0) + options.length) % options.length;
    options[this.#chosen].setAttribute('aria-selected', true);
    this.#input.setAttribute('aria-activedescendant', options[this.#chosen].id);
  }

  #accept(at) {
    const { text, cursor } = accept(this.#input.value, this.#found, this.#found.options[at].text);
    this.#input.value = text;
    this.#input.setSelectionRange(cursor, cursor);
    this.#parse(true);
    if (/[:>]$/.test(text.slice(0, cursor))) this.#suggest(); else this.#close();
  }

  #key(event) {
    const open = !this.#list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!open) this.#suggest();
      if (!this.#list.hidden) this.#choose(event.key === 'ArrowDown' ? 1 : -1);
    } else if (open && this.#chosen >= 0 && (event.key === 'Enter' || event.key === 'Tab')) this.#accept(this.#chosen);
    else if (open && event.key === 'Escape') this.#close();
    else if (event.key === 'Enter' || event.key === 'Escape') this.#input.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
