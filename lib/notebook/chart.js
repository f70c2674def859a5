// Charts. What a reader did is kept by cell: off has the names of series that are switched off by their class, range the
// seconds a time chart is narrowed to, at the mark the keyboard is at, big whether the chart fills the screen.
const charts = {};
const chart = (cell) => charts[key(cell)] ||= { off: {} };
const named = (m) => m.dataset.tip.split('\n')[0];
const tips = 'path[data-tip]';
const up = (e, s) => e.target.closest?.(s);

// Each mark carries its tooltip as data-tip.
function show(mark, x, y) {
  const tip = one('#tip'), put = (at, size, room) => Math.max(4, at + 14 + size > room ? at - size - 14 : at + 14);
  tip.hidden = !mark;
  if (!mark) return;
  const off = Object.values(chart(mark.closest('.cell')).off);
  if (off[0]) off.push('Total'); // it would be that of all series
  const names = (mark.parentNode.dataset.names || '').split('\n');
  tip.textContent = mark.dataset.tip.split('\n').map((l, i) => (names[i - 1] || '') + l).filter((l) => !off.some((n) => l.startsWith(n + ':'))).join('\n');
  tip.style.cssText = `left:${put(x, tip.offsetWidth, innerWidth)}px;top:${put(y, tip.offsetHeight, innerHeight)}px`;
}
const hush = () => show();
root.onpointerleave = hush;
on('focusout', hush);

// The keyboard goes to the nearest mark that lies ahead.
const rect = (e) => e.getBoundingClientRect();
const middle = (m) => { const r = rect(m); return [r.x + r.width / 2, r.y + r.height / 2]; };
function step(cell, fig, dx, dy) {
  const v = chart(cell), box = rect(fig), marks = all(tips, fig).filter((m) => { const [x] = middle(m); return x > box.left && x < box.right; });
  const now = marks.find((m) => named(m) === v.at), [x, y] = now ? middle(now) : [];
  let to = now || marks[0], least = 1e9;
  for (const m of marks) {
    const [u, w] = middle(m), ahead = (u - x) * dx + (w - y) * dy, far = ahead + Math.abs((u - x) * dy + (w - y) * dx) / 20;
    if (ahead > .5 && far < least) { least = far; to = m; }
  }
  if (!to) return;
  v.at = named(to);
  show(to, ...middle(to));
  one('#say').textContent = one('#tip').textContent;
}

// A range is kept as time, so that it stays where it is while the data goes on; it ends when there is none left of it.
const plots = (cell) => all('.plot', cell);
// data-t of a plot: the time at its sides, and where it lies.
const span = (p) => p.dataset.t.split(' ').map(Number);
const time = (p, at) => { const [a, b, x, , w] = span(p); return a + (b - a) * (at - x) / w; };
const pointed = (p, e) => { const m = p.getScreenCTM(); return time(p, (e.clientX - m.e) / m.a); };
function narrow(cell, range) {
  const v = chart(cell);
  v.range = range;
  for (const p of plots(cell)) {
    const [a, b, x, y, w, h] = span(p), svg = p.ownerSVGElement;
    let [lo, hi] = range || [];
    lo = Math.max(lo, a);
    hi = Math.min(hi, b);
    if (!(hi - lo < b - a) || hi <= lo) { lo = a; hi = b; v.range = 0; }
    const k = (hi - lo) / (b - a), from = x + (lo - a) / (b - a) * w;
    p.setAttribute('viewBox', [from, y, w * k, h].join(' '));
    svg.classList.toggle('zoomed', k < 1);
    svg.style.setProperty('--k', k < 1 ? k : '');
    for (const t of all('.tick[text-anchor=middle]', svg)) {
      const at = x + ((t.dataset.x ??= t.getAttribute('x')) - from) / k;
      t.setAttribute('x', at);
      t.toggleAttribute('hidden', at < x - 1 || at > x + w + 1);
    }
  }
  const b = one('.whole', cell);
  if (b) b.hidden = !v.range;
}
function scale(cell, by) {
  const v = chart(cell), p = plots(cell)[0], [lo, hi] = v.range || span(p), half = (hi - lo) * by / 2;
  const m = all(tips, p).find((e) => named(e) === v.at)?.getBBox(), at = m ? time(p, m.x + m.width / 2) : (lo + hi) / 2;
  narrow(cell, [at - half, at + half]);
}

// Dragging over a time chart narrows it. A refresh may come between, so the svg is kept and not the plot in it.
let drag;
for (const type of ['pointerdown', 'pointermove', 'pointerup']) on(type, (e) => {
  const mark = up(e, '[data-tip]'), p = up(e, '.plot'), sel = one('#sel');
  show(mark, e.clientX, e.clientY);
  if (type === 'pointerdown' && p && !e.button && e.pointerType !== 'touch') {
    drag = { svg: p.ownerSVGElement, x: e.clientX, from: pointed(p, e) };
    e.preventDefault();
    p.closest('.fig').focus({ preventScroll: true });
  }
  if (!drag) return;
  const { svg, x, from } = drag, wide = Math.abs(e.clientX - x), r = rect(svg), end = !e.buttons;
  sel.hidden = wide < 8 || end;
  sel.style.cssText = `left:${Math.min(e.clientX, x)}px;width:${wide}px;top:${r.y}px;height:${r.height}px`;
  if (!end) return;
  if (wide > 7) narrow(svg.closest('.cell'), [from, pointed(one('.plot', svg), e)].sort((a, b) => a - b));
  drag = null;
});

// A stack closes the gap a layer leaves: what is missing below a place moves the layers above. One that is whole and always
// was is left as it came.
function stack(svg, off) {
  if (!(svg.moved ||= Object.keys(off)[0])) return;
  const zero = one('.axis', svg)?.getAttribute('d').split(/[ H]/)[1], drop = {};
  for (const p of all('.area', svg)) {
    const move = (x, top, base) => {
      const side = top + base < 2 * zero ? 1 : -1, at = x * side, by = drop[at] || 0;
      if (p.classList[0] in off) drop[at] = by + Math.abs(base - top);
      return [top + by * side, base + by * side];
    };
    p.setAttribute('d', (p.dataset.d ??= p.getAttribute('d')).replace(/M[^Z]+/g, (d) => {
      const n = d.match(/-?[\d.]+/g).map(Number), l = n.length;
      if (d.includes('h')) n[1] = move(n[0], n[1], n[1] + n[3])[0];
      else for (let i = 0; i < l / 2; i += 2) [n[i + 1], n[l - i - 1]] = move(n[i], n[i + 1], n[l - i - 1]);
      return d.replace(/-?[\d.]+/g, () => n.shift());
    }));
  }
}

const restore = (cell) => {
  const v = chart(cell), fig = one('.fig', cell);
  if (!fig) return;
  fig.role = 'application';
  cell.classList.toggle('big', !!v.big);
  one('.max', cell).ariaPressed = !!v.big;
  for (const b of all('.legend button', cell)) {
    const k = b.dataset.k, gone = k in v.off;
    b.disabled = false;
    b.ariaPressed = !gone;
    all(`.${k},.s${k[1]},.v${k[1]}`, fig).forEach((m) => m.toggleAttribute('hidden', gone));
  }
  all('svg.chart', fig).forEach((s) => stack(s, v.off));
  narrow(cell, v.range);
};
hooks.push(restore);
// fill makes a chart fill the window, and the window the screen where it may.
function fill(cell, big) {
  chart(cell).big = big;
  restore(cell);
  if (big) root.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen();
}
on('fullscreenchange', () => document.fullscreenElement || all('.big').forEach((cell) => fill(cell)));
on('click', (e) => {
  const b = up(e, '.fig~button,.max,.legend button'), cell = b?.closest('.cell'), k = b?.dataset.k;
  if (!b) return;
  const v = chart(cell);
  if (b.className === 'max') return fill(cell, !v.big);
  if (!k) { one('.fig', cell).focus(); v.range = null; }
  else if (k in v.off) delete v.off[k]; else v.off[k] = b.textContent;
  restore(cell);
});
on('keydown', (e) => {
  const cell = up(e, '.cell'), fig = up(e, '.fig'), v = cell && chart(cell);
  if (!cell || e.ctrlKey || e.metaKey || e.altKey) return;
  const way = ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'].indexOf(e.key), by = { '+': .5, '-': 2 }[e.key];
  if (e.key === 'Escape') {
    show();
    if (v.big) fill(cell); else narrow(cell);
  }
  if (!fig) return;
  if (way >= 0) step(cell, fig, way % 2 ? 0 : way - 1, way % 2 ? way - 2 : 0); else if (by && plots(cell)[0]) scale(cell, by); else return;
  e.preventDefault();
});
