// What took the largest share of a connection's life: the row says it, console/view.py computes it.

export const SHORT = { 'unacknowledged (RTT or loss)': 'unacknowledged' };

export const bound = (row, now) => row.bound_at && now >= row.bound_at ? row.bound_then : row.bound_by;
