import { printable } from './shared/printable.js';

/**
 * Why a {@link WatchdogError} was raised; stable, fit for `switch`. System error codes pass through as they
 * are.
 */
export type WatchdogErrorCode =
  | 'ERR_WATCHDOG_INVALID_OPTION'
  | 'ERR_WATCHDOG_INVALID_ARGUMENT'
  | 'ERR_WATCHDOG_ALREADY_STARTED'
  | 'ERR_WATCHDOG_UNSUPPORTED_RUNTIME'
  | 'ERR_WATCHDOG_TOO_MANY_POOLS'
  | 'ERR_WATCHDOG_DUPLICATE_POOL'
  | 'ERR_WATCHDOG_TOO_MANY_THREADS'
  | 'ERR_WATCHDOG_DUPLICATE_THREAD'
  | 'ERR_WATCHDOG_UNWATCHABLE_THREAD'
  | 'ERR_WATCHDOG_CLOSED'
  | 'ERR_WATCHDOG_SIDECAR_FAILED'
  | 'ERR_WATCHDOG_TIMEOUT'
  | 'ERR_WATCHDOG_TLS_UNUSABLE'
  | 'EADDRINUSE'
  | 'EACCES'
  | 'EADDRNOTAVAIL';

/** The one error class of this package. */
export class WatchdogError extends Error {
  /** `WatchdogError`, also where `instanceof` fails because the package was bundled twice. */
  override readonly name: string = 'WatchdogError';
  /** Why, for programs: stays the same while messages may change. */
  readonly code: WatchdogErrorCode;

  /** For the package itself. */
  constructor(code: WatchdogErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(printable(message), options);
    this.code = code;
  }
}
