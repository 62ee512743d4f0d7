// Stands in for @nestjs/common and @nestjs/core: as much of their interface as this example calls.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Class = new () => object;

interface Provider {
  onApplicationShutdown?(): Promise<void>;
}

export interface App {
  enableShutdownHooks(): void;
  listen(port: number): Promise<string>;
}

const prefixes = new Map<Class, string>();
const methods = new Map<object, Map<string, string>>();

export function Controller(prefix: string): (target: Class) => void {
  return (target) => void prefixes.set(target, prefix);
}

export function Get(path: string): (prototype: object, method: string) => void {
  return (prototype, method) => {
    methods.set(prototype, (methods.get(prototype) ?? new Map()).set(path, method));
  };
}

export function createApp(module: { controllers: Class[]; providers: Class[] }): App {
  const routes = new Map<string, () => string>();
  for (const one of module.controllers) {
    const controller = new one() as Record<string, () => string>;
    for (const [path, method] of methods.get(one.prototype) ?? []) {
      routes.set(`${prefixes.get(one)}${path}`, () => controller[method]());
    }
  }
  const providers = module.providers.map((one): Provider => new one());
  const server = createServer((request, response) => {
    const route = routes.get(request.url ?? '');
    if (!route) response.statusCode = 404;
    response.end(route?.());
  });
  return {
    enableShutdownHooks() {
      process.once('SIGTERM', () => {
        server.close(() => {
          for (const provider of providers) void provider.onApplicationShutdown?.();
        });
      });
    },
    async listen(port) {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
}
