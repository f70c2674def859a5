// Tables: sort and filter are kept by cell and applied again after each change.
const view = (cell) => cell.view ||= { col: -1, dir: 1, find: '' };
const value = (td) => td.dataset.v ?? td.textContent;
function compare(x, y) {
  return x !== '' && y !== '' && !isNaN(x) && !isNaN(y) ? x - y : (x === '–') - (y === '–') || x.localeCompare(y, undefined, { numeric: true });
}
function arrange(cell) {
  const table = one('th button', cell)?.closest('table');
  if (!table) return;
  const v = view(cell), body = table.tBodies[0], rows = [...body.rows], input = one('[type=search]', cell), want = v.find.trim().toLowerCase();
  if (v.col >= 0) {
    all('thead th', table).forEach((th, i) => { th.ariaSort = i !== v.col ? null : v.dir > 0 ? 'ascending' : 'descending'; });
    body.append(...rows.sort((r, s) => v.dir * compare(value(r.cells[v.col]), value(s.cells[v.col]))));
  }
  if (!input) return;
  input.value = v.find;
  let n = 0;
  for (const r of rows) n += !(r.hidden = want && !r.textContent.toLowerCase().includes(want));
  one('.found', cell).textContent = want && n + ' of ' + rows.length;
}
hooks.push(arrange);
on('input', (e) => {
  const cell = e.target.closest('.cell');
  if (cell) { view(cell).find = e.target.value; arrange(cell); }
});
on('click', (e) => {
  const b = e.target.closest?.('button'), cell = b?.closest('.cell'), th = b?.closest('th');
  if (!cell) return;
  if (b.className === 'csv') return download(cell);
  if (!th) return;
  const v = view(cell), now = th.ariaSort;
  v.dir = now === 'ascending' || (now !== 'descending' && th.classList.contains('n')) ? -1 : 1;
  v.col = th.cellIndex;
  arrange(cell);
});

// A cell that a spreadsheet would take for a formula gets a quote in front; numbers behind a chart lose their commas.
function field(c, plain) {
  let s = value(c).trim();
  if (plain && /^[\u2212\d,.]+$/.test(s)) s = s.replaceAll(',', '').replace('\u2212', '-');
  if (/^[=+@]/.test(s) || (s[0] === '-' && isNaN(s))) s = "'" + s;
  return /[",\n\r]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
}
function download(cell) {
  const table = one('.scroll table', cell), a = document.createElement('a');
  const rows = [...table.tHead.rows, ...[...table.tBodies[0].rows].filter((r) => !r.hidden)];
  const csv = rows.map((r) => [...r.cells].map((c) => field(c, c.cellIndex && table.className)).join() + '\r\n').join('');
  a.href = 'data:text/csv;charset=utf-8,' + encodeURIComponent('\ufeff' + csv); // with a mark, or Excel would not read Arabic
  a.download = key(cell) + '.csv';
  a.click();
}
