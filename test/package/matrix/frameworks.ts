import { FREEZE_JS, FREEZE_TS, type Project } from './project.js';

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

const STANDALONE: Project['files'] = {
  'next.config.mjs': "export default { output: 'standalone', experimental: { serverSourceMaps: true } };",
};

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
  {
    name: 'NestJS',
    tool: '@nestjs/core',
    dependencies: {
      ...{ '@nestjs/common': '11.2.10', '@nestjs/core': '11.2.10', '@nestjs/platform-express': '11.2.10' },
      ...{ 'reflect-metadata': '0.2.2', rxjs: '7.8.2', typescript: '5.9.3', '@types/node': '20.19.43' },
    },
    files: {
      'tsconfig.json': `{ "files": ["src/main.ts"], "compilerOptions": {
        "module": "commonjs", "target": "es2023", "outDir": "dist", "sourceMap": true, "strict": true,
        "experimentalDecorators": true, "emitDecoratorMetadata": true, "skipLibCheck": true
      } }`,
      'src/main.ts': `import { startWatchdog } from 'event-loop-watchdog';
        import { Controller, Get, Module } from '@nestjs/common';
        import { NestFactory } from '@nestjs/core';
        import { freeze } from './freeze';
        startWatchdog(Number(process.env.WATCHDOG_PORT));
        @Controller()
        class AppController {
          @Get() index(): string { return 'served'; }
          @Get('freeze') freeze(): string { return String(freeze(3000)); }
        }
        @Module({ controllers: [AppController] })
        class AppModule {}
        void NestFactory.create(AppModule).then((app) => app.listen(Number(process.env.PORT)));`,
      'src/freeze.ts': FREEZE_TS,
    },
    ways: [
      {
        name: 'TypeScript, CommonJS',
        build: 'tsc -p .',
        start: 'node dist/main.js',
        culprit: 'src/freeze.ts',
      },
    ],
  },
  {
    name: 'Next.js',
    tool: 'next',
    dependencies: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
    files: {
      'instrumentation.js': `export async function register() {
        if (process.env.NEXT_RUNTIME !== 'nodejs') return;
        const { getWatchdog, startWatchdog } = await import('event-loop-watchdog');
        if (!getWatchdog()) startWatchdog(Number(process.env.WATCHDOG_PORT));
      }`,
      'app/layout.js': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;',
      'app/page.js': 'export default () => <p>served</p>;',
      'app/freeze/route.js': `import { freeze } from '../../lib/freeze.js';
        export const dynamic = 'force-dynamic';
        export const GET = () => new Response(String(freeze(3000)));`,
      'lib/freeze.js': FREEZE_JS,
    },
    ways: [
      {
        name: '`next start`',
        files: { 'next.config.mjs': 'export default { experimental: { serverSourceMaps: true } };' },
        build: 'next build',
        start: 'next start -p $PORT',
        culprit: 'lib/freeze.js',
      },
      {
        name: 'standalone',
        files: STANDALONE,
        build: 'rm -rf .next && next build',
        start: 'node .next/standalone/server.js',
        culprit: '.next/standalone/.next/server/chunks/',
        note: "works; names the chunk's place, for Next.js leaves the maps out",
      },
      {
        name: 'standalone, with its maps',
        files: STANDALONE,
        build: 'rm -rf .next && next build && cp -r .next/server .next/standalone/.next',
        start: 'node .next/standalone/server.js',
        culprit: 'lib/freeze.js',
      },
      {
        name: '`next dev`',
        build: 'rm -rf .next',
        start: 'next dev -p $PORT',
        culprit: 'lib/freeze.js',
      },
    ],
  },
];
