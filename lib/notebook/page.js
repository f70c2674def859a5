// The page without this script is complete. With it, it refreshes itself: over HTTP it listens for server-sent events
// and fetches itself; from disk, where fetch is blocked, a hidden frame of the same file posts its content to it.
// page.js, table.js and chart.js are delivered as one function, in this order, and so share their names.
const root = document.documentElement, disk = location.protocol === 'file:';
const one = (s, e = document) => e.querySelector(s), all = (s, e = document) => [...e.querySelectorAll(s)], on = addEventListener;
const store = (v) => { try { return v ? localStorage.theme = v : localStorage.theme; } catch { /* a disk may have none */ } };

if (location.hash === '#feed' && parent !== window) {
  // Only a page on the same disk can be the parent of a file.
  if (disk) on('DOMContentLoaded', () => parent.postMessage(root.outerHTML, '*'));
  return;
}
const theme = store();
if (theme) root.dataset.theme = theme;

// morph makes a look like b and leaves alone what is the same: cells by their hash, and with them scroll positions,
// open details and the focus. What a reader typed, sorted or selected is never replaced. What is new is taken out of b.
const ours = (e, name) => /^(aria-sort|aria-pressed|disabled|open)$/.test(name) || (name === 'hidden' && e.nodeName === 'BUTTON');
const key = (e) => e.dataset?.cell;
const alike = (x, y) => x.nodeName === y.nodeName && key(x) === key(y) && (key(x) || x.nodeName === 'svg' || x.className === y.className);
let marked = []; // where selected text begins and ends; asked for once, as each time lays out the page
const selected = (e) => marked.some((m) => e.contains(m));
function morph(a, b) {
  if (a.isEqualNode(b) || a.className === 'found') return;
  if (a.nodeType !== 1) { if (!selected(a)) a.data = b.data; return; }
  if (key(a) && (a.dataset.h === b.dataset.h || selected(a))) return;
  for (const { name } of [...a.attributes]) if (!b.hasAttribute(name) && !ours(a, name)) a.removeAttribute(name);
  for (const { name, value } of b.attributes) if (!ours(a, name) && a.getAttribute(name) !== value) a.setAttribute(name, value);
  if (a.nodeName === 'TBODY' || a.nodeName === 'svg') {
    const has = document.activeElement, was = has !== a && a.contains(has) && has.outerHTML;
    a.replaceChildren(...b.childNodes);
    if (was) all(has.nodeName, a).find((e) => e.outerHTML === was)?.focus({ preventScroll: true });
    return;
  }
  // Nodes stay where they are: one that is moved loses its scroll position and the focus.
  let at = a.firstChild;
  const drop = (end) => { while (at !== end) { const gone = at; at = at.nextSibling; gone.remove(); } };
  for (const y of [...b.childNodes]) {
    let x = at;
    while (x && !alike(x, y)) x = x.nextSibling;
    if (x) { drop(x); at = x.nextSibling; morph(x, y); } else a.insertBefore(y, at);
  }
  drop(null);
}

// hooks are called with each cell when the page has loaded, and again after its content changed: a cell stays the same
// element, and an svg and a tbody in it as well, but what is in those two is new. A hook gives back what a reader did.
const hooks = [(cell) => {
  all('button[hidden]', cell).forEach((b) => { b.hidden = false; });
  all('svg.chart > title', cell).forEach((t) => { // or it would pop up over every mark
    t.parentNode.ariaLabel = t.textContent;
    t.parentNode.removeAttribute('aria-labelledby');
    t.remove();
  });
}];
function dress() {
  // From disk nobody can be asked for a page that is not there.
  if (disk) all('a[data-ask]').forEach((a) => a.removeAttribute('href'));
  for (const cell of all('.cell')) {
    if (cell.dressed === cell.dataset.h) continue;
    cell.dressed = cell.dataset.h;
    hooks.forEach((hook) => hook(cell));
  }
}

// Refresh. seen is when the newest page came, as far as this machine can tell.
const every = +root.dataset.refresh;
let seen = disk ? Date.parse(root.dataset.built) : Date.now(), tried = Date.now(), paused = false, due = false, busy = false, again = false, events, frame;
function apply(html) {
  due = paused || document.hidden;
  if (due) return;
  const doc = new DOMParser().parseFromString(html, 'text/html'), now = doc.documentElement.dataset;
  if (!(Date.parse(now.built) > Date.parse(root.dataset.built)) || !one('#main', doc)) return;
  if (now.edition !== root.dataset.edition) return location.reload();
  root.dataset.built = now.built;
  seen = Date.now();
  const sel = getSelection();
  marked = sel.isCollapsed ? [] : [sel.anchorNode, sel.focusNode];
  for (const s of ['#about', '#ways', '#main']) morph(one(s), one(s, doc));
  dress();
  state();
}
// refresh asks for the newest page unless it is being asked for; an answer that does not come in half a minute is given up.
const waits = () => busy && Date.now() - tried < 30000;
async function refresh() {
  due = paused || document.hidden;
  again = waits();
  if (due || again) return;
  busy = true;
  tried = Date.now();
  if (disk) {
    const feed = location.href.split(/[?#]/)[0] + '?' + tried + '#feed';
    // One frame for all refreshes, as each may be a process of the browser, and replace: the way back is the reader's.
    if (frame) return frame.contentWindow.location.replace(feed);
    frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts';
    frame.hidden = true;
    frame.src = feed;
    return document.body.append(frame);
  }
  try {
    const r = await fetch(location.pathname + location.search, { cache: 'no-cache' });
    if (r.ok) apply(await r.text());
  } catch { /* the state tells when it lasts */ }
  busy = false;
  if (again) refresh();
}
function state() {
  const stale = Date.now() - seen > 3 * every + 1000;
  const words = paused ? 'Paused' : stale ? 'Stale since ' + root.dataset.built.slice(11, 19) : 'Live, every ' + every / 1000 + ' s', e = one('#state');
  root.dataset.live = paused ? 'off' : stale ? 'stale' : 'on';
  if (e.textContent !== words) e.textContent = words;
}
// place opens the tab that holds what the address names, by its label, which stands before it.
function place() {
  const tab = one(':target')?.closest('.tab');
  if (tab) { tab.previousElementSibling.click(); one(':target').scrollIntoView(); }
}

on('DOMContentLoaded', () => {
  all('.tools button').forEach((b) => { b.hidden = false; });
  dress();
  state();
  one('#pause').onclick = (e) => {
    paused = !paused;
    e.target.ariaPressed = paused;
    if (!paused) refresh();
    state();
  };
  one('#theme').onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;
    store(root.dataset.theme = dark ? 'light' : 'dark');
  };
  on('message', (e) => {
    if (e.source !== frame?.contentWindow) return;
    busy = false;
    apply(e.data);
  });
  on('visibilitychange', () => due && refresh());
  if (!disk) {
    events = new EventSource('/events?page=' + location.pathname.split('/').pop()); // the server tells of no other page
    events.addEventListener('report', refresh);
  }
  for (const t of ['load', 'hashchange']) on(t, place);
  on('click', (e) => all('.menu[open]').forEach((d) => { d.open = d.contains(e.target); }));
  setInterval(() => {
    // With events this only bridges a lost one; without them it is the refresh.
    if (!waits() && Date.now() - tried >= (events?.readyState === 1 ? 3 * every : every)) refresh();
    state();
  }, Math.min(1000, every / 2));
});
