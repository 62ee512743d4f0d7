// An app with a registry of that many series, or the strangers that come to it. argv: 'app' and the number of
// series, or 'strangers', an address and the number of their connections.
import { startStrangers } from '../fixtures/strangers.mjs';

// Stays for as long as its parent does.
process.once('disconnect', () => process.exit());
process.on('message', () => {});
const [role, what, connections] = process.argv.slice(2);
if (role === 'strangers') {
  const strangers = startStrangers(what, Number(connections));
  setInterval(() => process.send({ connected: strangers.connected }), 500);
} else {
  const { Gauge, Registry } = await import('prom-client');
  const { startWatchdog } = await import('../../dist/index.js');
  const registry = new Registry();
  const gauge = new Gauge({ name: 'mine', help: 'h', labelNames: ['path', 'status'], registers: [registry] });
  for (let i = 0; i < Number(what); i++)
    gauge.set({ path: `/api/v1/customers/${i}/orders`, status: '200' }, i);
  const watchdog = startWatchdog(0, { registry, log: false });
  const { url } = await watchdog.ready;
  process.send({ url });
}
