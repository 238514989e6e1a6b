// Every text in sight whose contrast is below 4.5:1 (WCAG 2.2, success criterion 1.4.3), as [text, ratio].
() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => Object.fromEntries(['r', 'g', 'b'].map((c) => [c, top[c] * top.a + under[c] * (1 - top.a)]).concat([['a', 1]]));
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const backdrop = (element) => {
    const found = [];
    for (let at = element; at; at = at.parentElement) found.push(parse(getComputedStyle(at).backgroundColor));
    return found.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const bar = (rect) => {
    for (const other of document.querySelectorAll('rect.bar')) {
      const box = other.getBoundingClientRect();
      const inside = Math.min(box.right, rect.right) - Math.max(box.left, rect.left);
      if (inside > 2 && box.top < rect.bottom - 3 && box.bottom > rect.top + 3) return parse(getComputedStyle(other).fill);
    }
    return null;
  };
  const low = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.data.trim() || ['SCRIPT', 'TITLE', 'title'].includes(element.tagName) || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rect = range.getBoundingClientRect();
    if (!rect.width || rect.bottom < 0 || rect.top > innerHeight) continue;
    const svg = element.closest('svg');
    const under = (svg && bar(rect)) || backdrop(svg ? svg.parentElement : element);
    const ink = over(parse(svg ? style.fill : style.color), under);
    const [a, b] = [luminance(ink), luminance(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    seen += 1;
    if (ratio < 4.5) low.push([node.data, Number(ratio.toFixed(2)), element.className?.baseVal ?? element.className]);
  }
  return { seen, low };
}
