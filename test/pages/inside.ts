// What is evaluated in the page.

/** From top to bottom in 120 frames; how long each took, in ms. */
export const scrolls = `(async () => {
  const tree = document.getElementById('tree');
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const took = [];
  let last = await frame();
  for (let i = 1; i <= 120; i += 1) {
    tree.scrollTop = ((tree.scrollHeight - tree.clientHeight) * i) / 120;
    const now = await frame();
    took.push(now - last);
    last = now;
  }
  return took;
})()`;

/** Texts in view whose colour is too near to what is behind them (WCAG 2.2, 1.4.3). */
export const contrasts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const bad = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || /^(SCRIPT|NOSCRIPT)$/.test(e.tagName)) continue;
    const behind = [];
    for (let at = e; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const back = light(over(behind));
    const front = light(over([...behind, getComputedStyle(e).color]));
    const ratio = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    if (ratio < 4.5) bad.add(e.className + ' ' + e.tagName + ' ' + ratio.toFixed(2));
  }
  return [...bad];
})()`;
