// What took the largest share of a connection's life: console/view.py's bound(), the same for the page.

export const SHORT = { 'path: congestion window': 'path (cwnd)', "receiver's window": 'peer’s window' };
const ACCOUNTS = { handler: 'handling', 'peer to read': 'sending', 'peer to send': 'receiving' };

export function bound(row, now) {
  if (row.bound_by !== undefined) return row.bound_by;
  if (row.held) return row.held;
  const running = row.waiting in ACCOUNTS ? row.waiting : 'peer to send';
  let most = '', seconds = 0;
  for (const [account, field] of Object.entries(ACCOUNTS)) {
    const spent = row[field] + (row.waiting && account === running ? Math.max(0, now - row.waiting_since) : 0);
    if (spent > seconds) [most, seconds] = [account, spent];
  }
  return most;
}
