// A server that does next to nothing, with one watcher beside it; tells its address.
import { createServer } from 'node:http';
import { peer } from './kit/peers.mjs';
import { VARIANTS } from './kit/variants.mjs';

const [name] = process.argv.slice(2);
const answer = { hello: 'world' };

async function listen() {
  if (name === 'Fastify, nothing' || name === '@fastify/under-pressure') {
    const { default: fastify } = await peer('fastify');
    const app = fastify();
    if (name === '@fastify/under-pressure') {
      const { default: underPressure } = await peer(name);
      app.register(underPressure, { maxEventLoopDelay: 1000 });
    }
    app.get('/', async () => answer);
    return app.listen({ port: 0, host: '127.0.0.1' });
  }
  const held = await VARIANTS[name]();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.once('disconnect', () => process.exit(held === null ? 1 : 0));
  return `http://127.0.0.1:${server.address().port}`;
}

process.send({ url: await listen() });
