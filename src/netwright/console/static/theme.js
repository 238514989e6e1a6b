// The theme before the first paint: what the system wants, unless the switch was used.

const THEME = 'netwright-theme';

function nextTheme() {
  const order = ['', 'light', 'dark'], now = order.indexOf(document.documentElement.dataset.theme ?? '');
  useTheme(order[(now + 1) % order.length], true);
}

function useTheme(name, remember) {
  document.documentElement.dataset.theme = name;
  try {
    if (remember) localStorage.setItem(THEME, name);
  } catch { /* a browser without storage forgets it */ }
}

try {
  useTheme(localStorage.getItem(THEME) ?? '', false);
} catch {
  useTheme('', false);
}
