(() => {
  // The list is complete without this script. With it, it follows the reports, and an open fold stays open.
  const root = document.documentElement, one = (s) => document.querySelector(s);
  const store = (v) => { try { return v === undefined ? localStorage.getItem('theme') : localStorage.setItem('theme', v); } catch { return null; } };
  const theme = store();
  if (theme) root.dataset.theme = theme;
  const words = (s) => s < 60 ? Math.floor(s) + ' s ago' : s < 3600 ? Math.floor(s / 60) + ' min ago' : s < 172800 ? Math.floor(s / 3600) + ' h ago' : Math.floor(s / 86400) + ' days ago';
  let events, due = false, busy = false, waiting = false, tried = Date.now();
  const put = (e, text) => { if (e.textContent !== text) e.textContent = text; };
  function ages() {
    for (const e of document.querySelectorAll('.age[data-built]')) {
      const s = Math.max(0, (Date.now() - Date.parse(e.dataset.built)) / 1000), every = +e.dataset.refresh / 1000, stale = every > 0 && s > 3 * every + 1;
      e.classList.toggle('stale', stale);
      put(e.lastElementChild, (stale ? 'Stale, built ' : 'built ') + words(s));
    }
    const on = events?.readyState === 1;
    root.dataset.live = on ? 'on' : 'off';
    put(one('#state'), on ? 'Live' : 'Not connected');
  }
  async function refresh() {
    if (document.hidden || busy) return due = true;
    due = false;
    busy = true;
    tried = Date.now();
    try {
      const r = await fetch('/', { cache: 'no-cache' });
      if (r.redirected) return location.assign(r.url); // there is only one left
      if (r.ok) {
        const doc = new DOMParser().parseFromString(await r.text(), 'text/html'), now = doc.querySelector('#main');
        const open = new Set([...document.querySelectorAll('details[open]')].map((d) => d.dataset.page));
        const held = document.activeElement?.closest('#main a')?.getAttribute('href'), sum = document.activeElement?.closest('summary')?.parentElement.dataset.page;
        for (const d of now.querySelectorAll('details')) d.open = open.has(d.dataset.page);
        if (now.innerHTML !== one('#main').innerHTML) {
          one('#main').replaceChildren(...now.childNodes);
          if (held || sum) [...document.querySelectorAll('#main a,#main summary')].find((e) => held ? e.getAttribute('href') === held : e.matches('summary') && e.parentElement.dataset.page === sum)?.focus({ preventScroll: true });
        }
        put(one('#about'), doc.querySelector('#about').textContent);
      }
    } catch { /* the state tells */ } finally {
      busy = false;
      ages();
    }
  }
  // Many pages may be written one after the other: one look for all of them.
  function soon() {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; refresh(); }, 400);
  }
  addEventListener('DOMContentLoaded', () => {
    const button = one('#theme');
    button.hidden = false;
    button.onclick = () => {
      const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;
      store(root.dataset.theme = dark ? 'light' : 'dark');
    };
    events = new EventSource('/events');
    events.onopen = ages;
    events.addEventListener('report', soon);
    document.addEventListener('visibilitychange', () => due && refresh());
    setInterval(() => {
      ages();
      if (due || Date.now() - tried > 30000) refresh();
    }, 1000);
  });
})();
