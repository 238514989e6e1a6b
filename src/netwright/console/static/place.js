// Which row stands where.  While somebody points at the table, or has selected a row, rows keep their places:
// their cells go on changing, new rows wait, and rows that ended or match no more stay until the table is let go.

export class Place {
  rows = [];
  waiting = 0; // rows that would be shown and wait

  // ``sorted`` is what the table would show; ``current(id)`` gives a row's newest version, or undefined.
  arrange(sorted, current, held) {
    if (!held || !this.rows.length) {
      [this.rows, this.waiting] = [sorted, 0];
      return;
    }
    this.rows = this.rows.map((row) => current(row.id) ?? row);
    const shown = new Set(this.rows.map((row) => row.id));
    this.waiting = sorted.reduce((sum, row) => sum + !shown.has(row.id), 0);
  }

  // The next arrange takes the new order, held or not: the user filtered, sorted or asked for it.
  release() { this.rows = []; }
}

// The scroll position that keeps the row at ``from`` where it is on the screen when it moves to ``to``.
export const anchored = (scroll, from, to, height) => from < 0 || to < 0 ? scroll : Math.max(0, scroll + (to - from) * height);

export function compare(value, down, now) {
  const turn = down ? -1 : 1;
  return (a, b) => {
    const [left, right] = [value(a, now), value(b, now)];
    return (a.closed > 0) - (b.closed > 0) || (left < right ? -turn : left > right ? turn : 0) || b.opened - a.opened || b.number - a.number;
  };
}
