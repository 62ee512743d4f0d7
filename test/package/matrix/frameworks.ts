import { FREEZE_JS, type Project } from './project.js';

const START = `import { startWatchdog } from 'event-loop-watchdog';
import { freeze } from './freeze.js';

startWatchdog(Number(process.env.WATCHDOG_PORT));
const port = Number(process.env.PORT);
`;

/** Of one file, that starts the watchdog and has a route that freezes. */
function framework(name: string, tool: string, dependencies: Project['files'], app: string): Project {
  return {
    name,
    tool,
    dependencies,
    manifest: { type: 'module' },
    files: { 'app.js': START + app, 'freeze.js': FREEZE_JS },
    ways: [{ name: 'ES module', start: 'node app.js', culprit: 'freeze.js' }],
  };
}

export const FRAMEWORKS: readonly Project[] = [
  framework(
    'Express',
    'express',
    { express: '5.3.0' },
    `import express from 'express';
     const app = express();
     app.get('/', (request, response) => response.send('served'));
     app.get('/freeze', (request, response) => response.send(String(freeze(3000))));
     app.listen(port);`,
  ),
  framework(
    'Fastify',
    'fastify',
    { fastify: '5.12.8' },
    `import fastify from 'fastify';
     const app = fastify();
     app.get('/', async () => 'served');
     app.get('/freeze', async () => String(freeze(3000)));
     await app.listen({ port });`,
  ),
  framework(
    'Koa',
    'koa',
    { koa: '3.3.0' },
    `import Koa from 'koa';
     const app = new Koa();
     app.use((context) => {
       context.body = context.path === '/freeze' ? String(freeze(3000)) : 'served';
     });
     app.listen(port);`,
  ),
  framework(
    'Hono',
    'hono',
    { hono: '4.13.19', '@hono/node-server': '2.1.9' },
    `import { serve } from '@hono/node-server';
     import { Hono } from 'hono';
     const app = new Hono();
     app.get('/', (context) => context.text('served'));
     app.get('/freeze', (context) => context.text(String(freeze(3000))));
     serve({ fetch: app.fetch, port });`,
  ),
];
