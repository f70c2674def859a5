// The page without this script is complete. With it, it refreshes itself: over HTTP it listens for server-sent events
// and fetches itself; from disk, where fetch is blocked, a hidden frame of the same file posts its content to it.
(() => {
  'use strict';
  const root = document.documentElement, disk = location.protocol === 'file:';
  const one = (s, e = document) => e.querySelector(s), all = (s, e = document) => [...e.querySelectorAll(s)];
  const store = (v) => { try { return v === undefined ? localStorage.getItem('theme') : localStorage.setItem('theme', v); } catch { return null; } };

  if (location.hash === '#feed' && parent !== window) {
    // Only a page on the same disk can be the parent of a file.
    if (disk) addEventListener('DOMContentLoaded', () => parent.postMessage(root.outerHTML, '*'));
    return;
  }
  const theme = store();
  if (theme) root.dataset.theme = theme;

  // morph makes a look like b and leaves alone what is the same: cells by their hash, and with them scroll positions,
  // open details and the focus. What a reader typed, sorted or selected is never replaced.
  const reader = (e, name) => name === 'aria-sort' || name === 'open' || (name === 'hidden' && e.nodeName === 'BUTTON');
  const key = (e) => e.dataset?.cell;
  const copy = (e) => document.importNode(e, true);
  function morph(a, b) {
    if (a.isEqualNode(b)) return;
    if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName || a.nodeName === 'svg') return a.replaceWith(copy(b));
    if (a.nodeType !== 1) { a.data = b.data; return; }
    if (key(a)) {
      const sel = getSelection();
      if (a.dataset.h === b.dataset.h || (!sel.isCollapsed && a.contains(sel.anchorNode))) return;
    }
    for (const { name } of [...a.attributes]) if (!b.hasAttribute(name) && !reader(a, name)) a.removeAttribute(name);
    for (const { name, value } of b.attributes) if (!reader(a, name) && a.getAttribute(name) !== value) a.setAttribute(name, value);
    if (a.nodeName === 'TBODY') return a.replaceChildren(...copy(b).childNodes);
    const x = [...a.childNodes], y = [...b.childNodes];
    if (x.map(key).join() !== y.map(key).join()) {
      const old = new Map(x.filter(key).map((e) => [key(e), e]));
      return a.replaceChildren(...y.map((e) => { const o = old.get(key(e)); if (!o) return copy(e); morph(o, e); return o; }));
    }
    for (let i = 0; i < Math.max(x.length, y.length); i++) {
      if (!x[i]) a.append(copy(y[i])); else if (!y[i]) x[i].remove(); else morph(x[i], y[i]);
    }
  }

  // Tables: sort and filter are kept by cell and applied again after each change.
  const views = new WeakMap();
  const view = (cell) => views.get(cell) || views.set(cell, { col: -1, dir: 1, find: '' }).get(cell);
  const value = (td) => td.dataset.v ?? td.textContent;
  function compare(x, y) {
    const none = (x === '–') - (y === '–');
    return x !== '' && y !== '' && !isNaN(x) && !isNaN(y) ? x - y : none || x.localeCompare(y, undefined, { numeric: true });
  }
  function arrange(cell) {
    const table = one('.scroll table', cell), v = view(cell), input = one('[type=search]', cell);
    if (!table || !one('th button', table)) return;
    const body = table.tBodies[0], rows = [...body.rows];
    if (v.col >= 0) {
      all('thead th', table).forEach((th, i) => i === v.col ? th.setAttribute('aria-sort', v.dir > 0 ? 'ascending' : 'descending') : th.removeAttribute('aria-sort'));
      rows.sort((r, s) => v.dir * compare(value(r.cells[v.col]), value(s.cells[v.col])));
      body.append(...rows);
    }
    if (!input) return;
    if (input.value !== v.find) input.value = v.find;
    const want = v.find.trim().toLowerCase();
    let n = 0;
    for (const r of rows) n += !(r.hidden = want !== '' && !r.textContent.toLowerCase().includes(want));
    one('.found', cell).textContent = want ? n + ' of ' + rows.length : '';
  }
  addEventListener('input', (e) => {
    const cell = e.target.closest('.cell');
    if (cell && e.target.type === 'search') { view(cell).find = e.target.value; arrange(cell); }
  });
  addEventListener('click', (e) => {
    const b = e.target.closest?.('button'), cell = b?.closest('.cell');
    if (!cell) return;
    if (b.classList.contains('csv')) return download(cell);
    const th = b.closest('th'), v = view(cell);
    if (!th) return;
    const now = th.getAttribute('aria-sort');
    v.dir = now === 'ascending' ? -1 : now === 'descending' || !th.classList.contains('n') ? 1 : -1;
    v.col = th.cellIndex;
    arrange(cell);
  });

  // A cell that a spreadsheet would take for a formula gets a quote in front.
  function field(s, number) {
    if (number) s = s.replaceAll(',', '').replace('\u2212', '-');
    if (/^[=+@\t\r]/.test(s) || (s[0] === '-' && isNaN(s))) s = "'" + s;
    return /[",\n\r]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
  }
  function csv(table) {
    const rows = [...table.tHead.rows, ...[...table.tBodies[0].rows].filter((r) => !r.hidden)];
    return rows.map((r) => [...r.cells].map((c) => field(value(c).trim(), c.nodeName === 'TD' && (c.classList.contains('n') || (c.cellIndex > 0 && table.className === 'rows' && /^[\u2212\d,.]+$/.test(c.textContent))))).join()).join('\r\n') + '\r\n';
  }
  function download(cell) {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob(['\ufeff' + csv(one('.scroll table', cell))], { type: 'text/csv' }));
    a.download = key(cell) + '.csv';
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  }

  // dress does to new content what only a script needs.
  function dress() {
    all('button[hidden]').forEach((b) => { b.hidden = false; });
    all('svg.chart > title').forEach((t) => { // or it would pop up over every mark
      t.parentNode.setAttribute('aria-label', t.textContent);
      t.parentNode.removeAttribute('aria-labelledby');
      t.remove();
    });
  }

  let tip;
  function show(e) {
    const mark = e.target.closest?.('[data-tip]');
    if (!mark) return tip && (tip.hidden = true);
    mark.querySelector(':scope > title')?.remove();
    if (!tip) { tip = document.createElement('div'); tip.id = 'tip'; tip.setAttribute('aria-hidden', 'true'); document.body.append(tip); }
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = Math.max(4, e.clientX + 14 + w > innerWidth ? e.clientX - w - 14 : e.clientX + 14) + 'px';
    tip.style.top = Math.max(4, e.clientY + 14 + h > innerHeight ? e.clientY - h - 14 : e.clientY + 14) + 'px';
  }

  // Refresh. seen is when the newest page came, as far as this machine can tell.
  const every = +root.dataset.refresh;
  let seen = disk ? Date.parse(root.dataset.built) : Date.now(), tried = Date.now(), paused = false, due = false, busy = false, again = false, events, frame;
  function apply(html) {
    const doc = new DOMParser().parseFromString(html, 'text/html'), now = doc.documentElement.dataset;
    if (!(Date.parse(now.built) >= Date.parse(root.dataset.built)) || !one('#main', doc)) return;
    if (now.edition !== root.dataset.edition) return location.reload();
    if (now.built === root.dataset.built) return;
    root.dataset.built = now.built;
    seen = Date.now();
    for (const s of ['#about', 'nav', '#main']) morph(one(s), one(s, doc));
    dress();
    all('.is-table').forEach(arrange);
    state();
  }
  async function refresh() {
    due = paused || document.hidden;
    again = busy;
    if (due || busy) return;
    tried = Date.now();
    if (disk) {
      frame?.remove();
      frame = document.createElement('iframe');
      frame.setAttribute('sandbox', 'allow-scripts');
      frame.hidden = true;
      frame.src = location.href.split('#')[0] + '#feed';
      return document.body.append(frame);
    }
    busy = true;
    try {
      const r = await fetch(location.pathname + location.search, { cache: 'no-cache' });
      if (r.ok) apply(await r.text());
    } catch { /* the state tells when it lasts */ }
    busy = false;
    if (again) refresh();
  }
  function state() {
    const stale = Date.now() - seen > 3 * every + 1000;
    const [live, words] = paused ? ['off', 'Paused'] : stale ? ['stale', 'Stale since ' + root.dataset.built.slice(11, 19)] : ['on', 'Live, every ' + every / 1000 + ' s'];
    root.dataset.live = live;
    if (one('#state').textContent !== words) one('#state').textContent = words;
  }
  function listen() {
    events = new EventSource('/events');
    const me = decodeURIComponent(location.pathname.split('/').pop());
    events.addEventListener('report', (e) => {
      try { if (me && JSON.parse(e.data).file !== me) return; } catch { /* then it may mean us */ }
      refresh();
    });
  }

  addEventListener('DOMContentLoaded', () => {
    dress();
    state();
    one('#pause').onclick = (e) => {
      paused = !paused;
      e.target.setAttribute('aria-pressed', paused);
      if (!paused) refresh();
      state();
    };
    one('#theme').onclick = () => {
      const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;
      store(root.dataset.theme = dark ? 'light' : 'dark');
    };
    for (const t of ['pointermove', 'pointerdown']) document.addEventListener(t, show, { passive: true });
    document.addEventListener('pointerleave', () => tip && (tip.hidden = true));
    addEventListener('message', (e) => {
      if (!frame || e.source !== frame.contentWindow) return;
      frame.remove();
      frame = null;
      if (!paused && !document.hidden) apply(e.data);
    });
    document.addEventListener('visibilitychange', () => due && refresh());
    if (!disk) listen();
    setInterval(() => {
      // With events this only bridges a lost one; without them it is the refresh.
      if (Date.now() - tried >= (events?.readyState === 1 ? 3 * every : every)) refresh();
      state();
    }, Math.min(1000, every / 2));
  });
})();
