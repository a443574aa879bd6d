// node look.js PAGE...: open pages of debrief in Chromium and print one line of JSON for each: { faults, tables, … }.
// Faults are messages of the console, violations of the policy, requests, links that lead nowhere, sorting, filtering
// and series that do not work, and what axe-core finds. Pictures of the first page go to the folder SHOTS: light, dark,
// 375 pixels wide, print. MODULES is the folder with playwright-core and axe-core, CHROMIUM the browser.
'use strict';
const path = require('path');
const modules = process.env.MODULES;
const {chromium} = require(path.join(modules, 'playwright-core'));
const axe = path.join(modules, 'axe-core', 'axe.min.js');
const folder = process.env.SHOTS;

// In the page: every link to a place in it, followed.
const links = () => [...document.querySelectorAll('a[href^="#"]')].map(a => {
  const to = document.getElementById(a.getAttribute('href').slice(1));
  if (!to) return a.textContent + ' leads nowhere';
  a.click();
  const top = to.getBoundingClientRect().top;
  if (top < -20 || top > innerHeight) return a.textContent + ' does not go to its place';
  const isEntry = to.tagName === 'ARTICLE';
  if (isEntry && !to.textContent.includes(a.textContent)) return a.textContent + ' goes to another entry';
}).filter(Boolean);

// In the page: each heading of each table sorts, first one way, then the other.
const sorting = () => {
  const out = [];
  for (const table of document.querySelectorAll('table')) {
    const rows = () => [...table.tBodies[0].rows].map(r => r.textContent);
    table.querySelectorAll('th button').forEach((button, i) => {
      const th = button.parentNode, before = rows().slice().sort().join();
      const key = () => [...table.tBodies[0].rows].map(r => r.cells[i])
        .map(c => c.dataset.v !== undefined ? Number(c.dataset.v)
          : c.textContent === '-' ? null : c.textContent.replace(/,/g, ''))
        .filter(v => v !== null).map(v => typeof v === 'string' && v !== '' && !isNaN(v) ? Number(v) : v);
      for (let click = 0; click < 2; click++) {
        button.click();
        const sign = th.getAttribute('aria-sort') === 'ascending' ? 1 : -1, values = key();
        for (let j = 1; j < values.length; j++) {
          const a = values[j - 1], b = values[j];
          const order = typeof a !== typeof b ? 0 : typeof a === 'number' ? a - b : a.localeCompare(b);
          if (sign * order > 0) return out.push(button.textContent + ': ' + a + ' before ' + b);
        }
        if (rows().slice().sort().join() !== before) out.push(button.textContent + ' loses rows');
      }
    });
  }
  return out;
};

const filtering = () => [...document.querySelectorAll('input')].flatMap(input => {
  const rows = [...input.parentNode.nextElementSibling.querySelector('tbody').rows];
  const shown = () => rows.filter(r => !r.hidden), text = rows[rows.length - 1].cells[0].textContent;
  const type = value => { input.value = value; input.dispatchEvent(new Event('input')); };
  type(text);
  const fine = shown().length > 0 && shown().every(r => r.textContent.toLowerCase().includes(text.toLowerCase()));
  type('\u0001 no row has this');
  const none = shown().length === 0;
  type('');
  return fine && none && shown().length === rows.length ? [] : ['the filter for ' + text];
});

const series = () => [...document.querySelectorAll('figure')].flatMap(figure => {
  const out = [], name = figure.querySelector('figcaption') && figure.querySelector('figcaption').textContent;
  for (const button of figure.querySelectorAll('.tools button')) {
    const off = () => figure.querySelectorAll('.s.off').length;
    button.click();
    if (off() !== 2 || button.getAttribute('aria-pressed') !== 'false') out.push(name + ': a series is not hidden');
    button.click();
    if (off() !== 0) out.push(name + ': a series is not shown again');
  }
  const svg = figure.querySelector('svg.w'), status = figure.querySelector('[role=status]');
  if (!status) return [name + ': the script did nothing'];
  svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}));
  const first = svg.querySelector('title');
  if (first && !status.textContent) out.push(name + ': no numbers of a mark');
  return out;
});

const pictures = async (page, fault) => {
  const shot = name => page.screenshot({path: path.join(folder, name + '.png'), fullPage: true});
  await shot('light');
  await page.emulateMedia({colorScheme: 'dark'});
  await shot('dark');
  await page.emulateMedia({colorScheme: 'light', media: 'print'});
  await page.setViewportSize({width: 720, height: 1000});
  await shot('print');
  await page.emulateMedia({media: 'screen'});
  await page.setViewportSize({width: 375, height: 800});
  await shot('phone');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 375) fault('a phone scrolls sideways: ' + wide);
  await page.setViewportSize({width: 1000, height: 800});
};

// The policy lets no script in but that of the page, so axe-core runs in a context without it.
const accessible = async (browser, url, colorScheme, fault) => {
  const context = await browser.newContext({bypassCSP: true, viewport: {width: 1000, height: 800}, colorScheme});
  const page = await context.newPage();
  await page.goto(url);
  await page.addScriptTag({path: axe});
  const result = await page.evaluate(() => axe.run());
  for (const v of result.violations) fault(colorScheme + ': axe ' + v.id + ': ' + v.nodes.map(n => n.html).join(' | '));
  await context.close();
};

const facts = () => ({
  tables: [...document.querySelectorAll('table')]
    .map(t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))),
  articles: document.querySelectorAll('article').length,
  links: document.querySelectorAll('section a[href^="#e"]').length,
  headings: document.querySelectorAll('th button').length,
  filters: document.querySelectorAll('input').length,
  series: document.querySelectorAll('figure button').length,
  scripts: document.scripts.length,
  styles: document.querySelectorAll('style').length,
  svgs: document.querySelectorAll('svg').length,
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,
  foreign: [...new Set([...document.querySelectorAll('a, b, img, iframe, script, style, object, embed, form, base')]
    .map(e => e.tagName + ' ' + (e.getAttribute('href') || e.getAttribute('src') || '').replace(/^#.*/, '#')))].sort(),
});

const look = async (browser, file, first) => {
  const faults = [], fault = text => faults.push(String(text).replace(/\s+/g, ' ').slice(0, 500));
  const url = 'file://' + path.resolve(file);
  const context = await browser.newContext({viewport: {width: 1000, height: 800}});
  const page = await context.newPage();
  page.on('console', m => fault('console: ' + m.text()));
  page.on('pageerror', e => fault('error: ' + e.message));
  page.on('dialog', d => { fault('dialog: ' + d.message()); d.dismiss(); });
  page.on('request', r => { if (r.url() !== url) fault('request: ' + r.url()); });
  await page.goto(url);
  const found = await page.evaluate(facts);
  if (folder && first) await pictures(page, fault);
  for (const check of [links, sorting, filtering, series]) for (const text of await page.evaluate(check)) fault(text);
  await context.close();
  await accessible(browser, url, 'light', fault);
  if (first) await accessible(browser, url, 'dark', fault);
  console.log(JSON.stringify({faults, ...found}));
};

(async () => {
  const args = ['--no-sandbox', '--disable-gpu'];
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args});
  const files = process.argv.slice(2);
  for (const file of files) await look(browser, file, file === files[0]);
  await browser.close();
})().catch(e => { console.error(e); process.exit(1); });
