import type { MessagePort } from 'node:worker_threads';

/** Comlink's view of a channel end; its own Node adapter has no types under `nodenext`. */
export interface Endpoint {
  postMessage(message: unknown, transfer?: never[]): void;
  addEventListener(type: string, listener: Listener): void;
  removeEventListener(type: string, listener: Listener): void;
}
type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };

/** Joins a `MessagePort` to comlink without letting it keep the process alive. */
export function endpointOf(port: MessagePort): Endpoint {
  const wrapped = new Map<Listener, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer),
    addEventListener(_type, listener) {
      const deliver = (data: unknown): void => {
        const event = { data } as unknown as Event;
        if (typeof listener === 'function') listener(event);
        else listener.handleEvent(event);
      };
      wrapped.set(listener, deliver);
      port.on('message', deliver);
      // After `on`, which refs the port again.
      port.unref();
    },
    removeEventListener(_type, listener) {
      const deliver = wrapped.get(listener);
      if (deliver) port.off('message', deliver);
      wrapped.delete(listener);
    },
  };
}

interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
}
interface TransferHandler {
  canHandle(value: unknown): value is unknown;
  serialize(value: unknown): [unknown, never[]];
  deserialize(value: unknown): unknown;
}

/**
 * Makes `error.code` survive comlink, which by itself carries name, message and stack only.
 * Call it once in each thread with comlink's `transferHandlers`.
 */
export function carryErrorCodes(handlers: Map<string, unknown>): void {
  const original = handlers.get('throw') as TransferHandler;
  const handler: TransferHandler = {
    canHandle: original.canHandle,
    serialize(thrown) {
      const { value } = thrown as { value: unknown };
      const error = value instanceof Error ? value : new Error(String(value));
      const { name, message, stack } = error;
      return [{ name, message, stack, code: (error as { code?: unknown }).code } satisfies CarriedError, []];
    },
    deserialize(carried) {
      const { name, message, stack, code } = carried as CarriedError;
      const error = Object.assign(new Error(message), code === undefined ? {} : { code });
      Object.defineProperties(error, {
        name: { value: name, configurable: true, writable: true },
        stack: { value: stack, configurable: true, writable: true },
      });
      throw error;
    },
  };
  handlers.set('throw', handler);
}
