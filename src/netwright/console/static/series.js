// What moved in each of the last seconds, of the connections that match the filter.
//
// A row tells its counters and when its worker took them.  What they gained is spread evenly over the time since the
// worker's sample before: a worker that reports twice as late is drawn as two seconds, not as one twice as busy.

export const WINDOW = 180; // seconds in sight
export const SPREAD = 3; // seconds that a gain is spread over at most: LATE of console/store.py
const ENTRIES = 200_000; // rows times seconds that are kept
const COUNTERS = ['bytes_in', 'bytes_out', 'messages', 'rtx'];

export class Series {
  begun = 0; // the first second that is known whole
  #seconds = new Map(); // second to a map of id to [in, out, messages, rtx, rtt]
  #entries = 0;

  // ``at`` is when the row's counters were read, ``since`` when its worker read before that; ``before`` is undefined
  // for a new row.
  note(row, before, at, since) {
    this.begun ||= Math.ceil(at) + 1;
    if (!before && row.opened < this.begun - 2) return; // it moved before this page was there
    const gains = COUNTERS.map((name) => Math.max(0, row[name] - (before?.[name] ?? 0)));
    const sampled = row.rtt > 0 && row.rtt !== before?.rtt;
    if (!sampled && gains.every((gain) => gain === 0)) return;
    for (const [second, share] of spread(Math.min(at, Math.max(since, row.opened, at - SPREAD)), at)) {
      const entry = this.#entry(second, row.id);
      gains.forEach((gain, i) => { entry[i] += gain * share; });
    }
    if (sampled) this.#entry(Math.ceil(at), row.id)[4] = row.rtt;
  }

  #entry(second, id) {
    const rows = this.#seconds.get(second) ?? new Map();
    this.#seconds.set(second, rows);
    if (!rows.has(id)) {
      rows.set(id, [0, 0, 0, 0, 0]);
      this.#entries += 1;
    }
    return rows.get(id);
  }

  // Points for the seconds up to ``until``, the oldest first; ``matches(id)`` says which rows count.
  points(until, matches) {
    this.#forget(until);
    const found = [];
    for (let second = Math.max(this.begun, until - WINDOW + 1); this.begun && second <= until; second++) {
      const point = { at: second, in: 0, out: 0, messages: 0, rtx: 0, median: null, worst: null };
      const trips = [];
      for (const [id, [bytesIn, bytesOut, messages, rtx, rtt]] of this.#seconds.get(second) ?? []) {
        if (!matches(id)) continue;
        point.in += bytesIn; point.out += bytesOut; point.messages += messages; point.rtx += rtx;
        if (rtt) trips.push(rtt);
      }
      if (trips.length) [point.median, point.worst] = [median(trips), Math.max(...trips)];
      found.push(point);
    }
    return found;
  }

  #forget(until) {
    for (const second of [...this.#seconds.keys()].sort((a, b) => a - b)) {
      if (second > until - WINDOW && this.#entries <= ENTRIES) return;
      this.#entries -= this.#seconds.get(second).size;
      this.#seconds.delete(second);
      this.begun = Math.max(this.begun, second + 1);
    }
  }
}

// Shares of the time from ``start`` to ``end`` that lie in each second; second N ends at N, as in the console's history.
export function spread(start, end) {
  if (end - start < 1e-6) return [[Math.ceil(end), 1]];
  const found = [];
  for (let second = Math.floor(start) + 1; second - 1 < end; second++) {
    found.push([second, (Math.min(end, second) - Math.max(start, second - 1)) / (end - start)]);
  }
  return found;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
