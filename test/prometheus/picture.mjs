// Draws panels of the dashboard from what Prometheus collected in the test: node picture.mjs <data.json>
// <picture.png>
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [data, picture] = process.argv.slice(2);
const { version, node, panels } = JSON.parse(readFileSync(data, 'utf8'));
const uplot = createRequire(import.meta.url).resolve('uplot');
const read = (name) => readFileSync(join(uplot, '../..', 'dist', name), 'utf8');

const html = `<!doctype html><meta charset="utf-8"><style>
${read('uPlot.min.css')}
body { margin: 0; padding: 12px; width: 1176px; background: #fff; color: #24292f; font: 13px 'DejaVu Sans', sans-serif; }
main { display: grid; grid-template-columns: repeat(2, 1fr); gap: 12px; }
section { border: 1px solid #d0d7de; border-radius: 6px; padding: 8px 10px 2px; }
h2 { margin: 0; font-size: 13px; } h2 small { font-weight: normal; color: #57606a; }
footer { margin-top: 8px; font-size: 11px; color: #57606a; }
.u-legend { font-size: 11px; text-align: left; } .u-legend .u-series:first-child, .u-legend .u-value { display: none; }
.u-legend th::after { content: none !important; } .u-legend th { font-weight: normal; }
</style><main></main><footer></footer>
<script>${read('uPlot.iife.min.js')}</script>
<script>
const COLORS = ['#1f77b4', '#d62728', '#2ca02c', '#ff7f0e', '#9467bd', '#8c564b'];
const UNITS = {
  s: (v) => (v === 0 ? '0' : v < 1 ? +(v * 1000).toPrecision(3) + ' ms' : +v.toPrecision(3) + ' s'),
  percentunit: (v) => +(v * 100).toPrecision(3) + ' %',
};
for (const { title, instance, unit, from, series } of ${JSON.stringify(panels)}) {
  const section = document.querySelector('main').appendChild(document.createElement('section'));
  section.innerHTML = '<h2></h2>';
  section.firstChild.append(title + ' ', Object.assign(document.createElement('small'), { textContent: instance === '.+' ? 'all four' : instance }));
  const times = [...new Set(series.flatMap(({ values }) => values.map(([t]) => t)))].sort((a, b) => a - b);
  const rows = series.map(({ values }) => {
    const at = new Map(values.map(([t, v]) => [t, Number.isNaN(+v) ? null : +v]));
    return times.map((t) => at.get(t) ?? null);
  });
  const format = UNITS[unit] ?? ((v) => +v.toPrecision(3) + '');
  new uPlot({
    width: 556, height: 190, cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { values: (_, ticks) => ticks.map((t) => t + ' s'), stroke: '#57606a', grid: { stroke: '#eaeef2' } },
      { values: (_, ticks) => ticks.map(format), size: 64, stroke: '#57606a', grid: { stroke: '#eaeef2' } },
    ],
    series: [{}, ...series.map(({ name }, i) => ({ label: name, stroke: COLORS[i % COLORS.length], width: 1.5 }))],
  }, [times.map((t) => t - from), ...rows], section);
}
document.querySelector('footer').textContent =
  'event-loop-watchdog ${version}, Node.js ${node}: expressions of dashboard.json over the data of npm run test:prometheus ' +
  '(scraped each second; the loop of "frozen" is blocked for 40 s). Drawn with uPlot; no screenshot of Grafana.';
</script>`;

const home = mkdtempSync(join(tmpdir(), 'watchdog-picture-'));
try {
  const page = join(home, 'panels.html');
  writeFileSync(page, html);
  execFileSync(
    process.env.CHROMIUM ?? 'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--window-size=1200,806',
      `--user-data-dir=${join(home, 'profile')}`,
      `--screenshot=${resolve(picture)}`,
      `file://${page}`,
    ],
    { stdio: 'ignore' },
  );
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
