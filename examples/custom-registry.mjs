// The app's own prom-client registry, served along on the sidecar's port: one scrape has it all. While the
// loop is blocked (one second in three here) the latest copy is served, and watchdog_relay_age_seconds says
// how old it is.
//
//   node examples/custom-registry.mjs
//   watch -n 0.2 'curl -s http://127.0.0.1:9464/metrics | grep -e ^shop_ -e relay_age -e lag_seconds'
import { startWatchdog } from 'event-loop-watchdog';
import { Counter, Registry } from 'prom-client';

const registry = new Registry();
const orders = new Counter({ name: 'shop_orders_total', help: 'Orders taken.', registers: [registry] });

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { registry });

function closeTheBooks() {
  const until = performance.now() + 1000;
  while (performance.now() < until);
}
setInterval(() => orders.inc(), 100);
setInterval(closeTheBooks, 3000);

const { url } = await watchdog.ready;
console.log(`metrics: ${url}/metrics`);
