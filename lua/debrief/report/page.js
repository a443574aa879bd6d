'use strict';
(() => {
  const all = (q, from) => [...(from || document).querySelectorAll(q)];
  const make = (tag, words, text) => {
    const e = document.createElement(tag);
    for (const k in words) e.setAttribute(k, words[k]);
    if (text !== undefined) e.textContent = text;
    return e;
  };

  /* Tables: a button in each heading sorts, an input above long ones filters. */
  const value = (row, i) => {
    const cell = row.cells[i], text = cell.textContent, v = cell.dataset.v;
    if (v !== undefined) return Number(v);
    const n = Number(text.replace(/,/g, ''));
    return text === '-' ? null : text !== '' && !isNaN(n) ? n : text;
  };
  const compare = (a, b) => {
    if (a === null || b === null) return 0;
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
    return typeof a === 'number' ? a - b : a.localeCompare(b);
  };
  for (const table of all('table')) {
    const body = table.tBodies[0], rows = [...body.rows];
    if (rows.length < 2) continue;
    all('thead th', table).forEach((th, i) => {
      const button = make('button', {type: 'button'}, th.textContent);
      th.textContent = '';
      th.append(button);
      button.addEventListener('click', () => {
        const first = th.classList.contains('r') ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const way = th.getAttribute('aria-sort') === first ? other : first, sign = way === 'ascending' ? 1 : -1;
        all('th', table).forEach(h => h.removeAttribute('aria-sort'));
        th.setAttribute('aria-sort', way);
        rows.sort((a, b) => {
          const x = value(a, i), y = value(b, i);
          return x === null || y === null ? (x === null) - (y === null) : sign * compare(x, y);
        });
        body.append(...rows);
      });
    });
    if (rows.length <= 10) continue;
    const box = make('div', {class: 'tools'}), count = make('span', {role: 'status'});
    const input = make('input', {type: 'search', placeholder: 'Filter rows', 'aria-label': 'Filter rows'});
    input.addEventListener('input', () => {
      const text = input.value.toLowerCase();
      let n = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(text);
        n += !row.hidden;
      }
      count.textContent = text ? n + ' of ' + rows.length : '';
    });
    box.append(input, count);
    table.parentNode.before(box);
  }

  /* Charts: a button for each series, and the numbers of the mark under the pointer or reached with the arrow keys. */
  for (const figure of all('figure')) {
    const box = make('div', {class: 'tools'}), wide = figure.querySelector('.w'), groups = all('.s', wide);
    if (!wide) continue;
    if (groups.length > 1) for (const group of groups) {
      const s = group.dataset.s;
      const button = make('button', {type: 'button', 'aria-pressed': 'true', class: 't' + ((s - 1) % 8 + 1)},
        group.dataset.name);
      button.addEventListener('click', () => {
        const on = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', on);
        for (const g of all('.s[data-s="' + s + '"]', figure)) g.classList.toggle('off', !on);
      });
      box.append(button);
      figure.classList.add('js');
    }
    const status = make('span', {role: 'status'});
    box.append(status);
    wide.before(box);
    let marks = [], at = -1;
    const show = mark => {
      marks.forEach(m => m.classList.remove('at'));
      mark.classList.add('at');
      status.textContent = mark.querySelector('title').textContent;
    };
    const look = () => {
      marks = all('title', wide).map(t => t.parentNode).filter(m => !m.closest('.off'));
    };
    wide.addEventListener('pointerover', e => {
      look();
      if (marks.includes(e.target)) show(marks[at = marks.indexOf(e.target)]);
    });
    wide.setAttribute('tabindex', '0');
    wide.addEventListener('keydown', e => {
      const way = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
      if (!way) return;
      look();
      if (!marks.length) return;
      at = (at + way + marks.length) % marks.length;
      e.preventDefault();
      show(marks[at]);
    });
  }
})();
