// Prints what each page loads first, gzipped, and fails when a page is over its budget.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** kB gzipped of first-route JavaScript and of CSS, per page. */
const budgets = {
  'index.html': { js: 35, css: 12 },
  'seller.html': { js: 60, css: 12 },
};

const kilobytes = (files) =>
  files.reduce((sum, file) => sum + gzipSync(readFileSync(`dist${file}`), { level: 9 }).length, 0) /
  1000;

let over = false;
for (const [page, budget] of Object.entries(budgets)) {
  const html = readFileSync(`dist/${page}`, 'utf8');
  for (const kind of ['js', 'css']) {
    const files = new Set(html.match(new RegExp(`/assets/[^"]+\\.${kind}(?=")`, 'g')));
    const size = kilobytes([...files]);
    const fits = size <= budget[kind];
    over ||= !fits;
    console.log(
      `${page} ${kind}: ${size.toFixed(1)} kB of ${budget[kind]}${fits ? '' : ', over budget'}`,
    );
  }
}
process.exit(over ? 1 : 0);
