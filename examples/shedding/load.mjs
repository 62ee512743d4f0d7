// More users than the app can serve, each with a connection that is kept alive: all are there already when
// all begin to ask, each every two seconds. Who has no answer after a second gives up, closes the connection,
// and asks again later.
//
//   node examples/shedding/load.mjs http://127.0.0.1:3000/report [seconds]
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const USERS = 400;
const EVERY_MS = 2000;
const DEADLINE_MS = 1000;

const [page, seconds = 20] = process.argv.slice(2);
const users = Array.from({ length: USERS }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
const none = { served: 0, shed: 0, late: 0, failed: 0 };
let counts = { ...none };

/** Asks once. Resolves with what came of it, at the deadline at the latest. */
function ask(agent, url, deadlineMs) {
  return new Promise((resolve) => {
    const request = get(url, { agent }, (response) => {
      const shed = response.statusCode === 503 && response.headers['retry-after'] !== undefined;
      const outcome = response.statusCode === 200 ? 'served' : shed ? 'shed' : 'failed';
      response.resume().on('end', () => resolve(outcome));
    });
    const deadline = setTimeout(() => {
      resolve('late');
      request.destroy();
    }, deadlineMs);
    request.on('error', () => resolve('failed'));
    request.on('close', () => clearTimeout(deadline));
  });
}

async function use(agent, number) {
  await sleep((number / USERS) * EVERY_MS);
  for (let next = performance.now(); ; await sleep(next - performance.now())) {
    next += EVERY_MS;
    const outcome = await ask(agent, page, DEADLINE_MS);
    counts[outcome]++;
  }
}

for (const agent of users) await ask(agent, new URL('/healthz', page), 60_000);
console.log(`users: ${USERS} connected`);
users.forEach(use);

for (let second = 1; second <= seconds; second++) {
  await sleep(1000);
  console.log(`second: ${second} ${JSON.stringify(counts)}`);
  counts = { ...none };
}
process.exit();
