import type { Stall } from '../shared/stall.js';

/** Settings of {@link startWatchdog}. Durations are milliseconds. */
export interface WatchdogOptions {
  /**
   * IP address (or `localhost`) that the sidecar's port binds to.
   * @defaultValue all interfaces, IPv6 and IPv4
   */
  readonly host?: string | undefined;
  /**
   * How often an idle loop is made to turn, in milliseconds, 20 to 1000. After one second of idleness it
   * backs off to one second. Finished turns are measured exactly whatever it is; it bounds how much the lag
   * of a stall under way is understated.
   * @defaultValue 100
   */
  readonly heartbeatInterval?: number | undefined;
  /**
   * A turn of the loop of at least this many milliseconds is a stall; 10 and up.
   * @defaultValue 100
   */
  readonly stallThreshold?: number | undefined;
  /**
   * Upper bounds of the buckets of `watchdog_eventloop_delay_seconds`, in milliseconds: 2 to 40 ascending
   * numbers above 0, of this and all watched threads. The histogram is exact at its bounds and interpolated
   * between them. The alerts compare at 50 and 200: without these bounds they are interpolated, too.
   * A first bound under 1 adds some nanoseconds to shorter turns.
   * @defaultValue 1, 2.5, 5, 10, 15, 25, 35, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2500,
   * 5000, 10000, 30000, 60000
   */
  readonly delayBuckets?: readonly number[] | undefined;
  /**
   * Samples the stack of a thread when a stall of it has lasted for `after` milliseconds (50 and up), and
   * then up to a hundred times until it is over; `true` is `{ after: 200 }`. Captures cost a thread at most
   * 0.5 % of the time, and a stall 1 % of itself besides the first look. None are taken under a debugger,
   * under Node's permission model or `--abort-on-uncaught-exception`, or during `pause()`.
   * @defaultValue true
   */
  readonly capture?: boolean | { readonly after: number } | undefined;
  /**
   * Whether frames carry what stands at their place in the source, at most 120 characters of the line. Off:
   * for sources that hold secrets.
   * @defaultValue true
   */
  readonly sourceLines?: boolean | undefined;
  /**
   * Whether each sample of a stall says which request ran: of OpenTelemetry's active span its ids and name,
   * with nothing to set up. A function tells more, from an `AsyncLocalStorage` of the app's, say: it is called
   * at each look, in the midst of whatever runs, for at most 20 ms, and at most 1 KiB of its result is kept,
   * as JSON. What it throws is one process warning; if it takes longer three times in a row, or returns a
   * promise, that is one, too, and it is not called again.
   * @defaultValue true
   */
  readonly context?: boolean | (() => unknown) | undefined;
  /**
   * Where stalls and slow tasks are logged, at most 20 a minute: lines on standard error, written by the
   * sidecar, as text or JSON; or a function that main calls after recovery from a stall.
   * @defaultValue 'text'
   */
  readonly log?: 'text' | 'json' | false | ((stall: Stall) => void) | undefined;
  /**
   * A file to which the sidecar appends a line of JSON for the begin and the end of each stall, and for each
   * slow task, so that the evidence outlives the process. Set aside as `<file>.1` at 10 MiB; where that is
   * not possible it takes as much again and no more. Several processes may share it. Mode 0600; a symbolic
   * link is not followed.
   * @defaultValue none
   */
  readonly journal?: string | undefined;
  /**
   * What to do when the loop does not come back for `after` milliseconds (1000 and up): write a full report
   * to standard error and journal, and with `kill` then end the process by `signal` (default SIGKILL: a stuck
   * loop runs no handler), and a second later by force if it is there still. Never for a process that is
   * stopped or being debugged; of one that gets too little CPU only what the turn had of it counts (or ten
   * times `after` by the clock).
   * @defaultValue off
   */
  readonly hang?:
    | {
        /** Milliseconds, 1000 and up. */
        readonly after: number;
        /** `report` only tells; `kill` tells, then ends the process. */
        readonly action: 'report' | 'kill';
        /**
         * What `kill` ends the process by.
         * @defaultValue 'SIGKILL'
         */
        readonly signal?: NodeJS.Signals | undefined;
      }
    | undefined;
  /**
   * `/livez` fails once the loop has not turned for this long, in milliseconds (1000 and up). Never while the
   * process starts or stands still, nor under a debugger or during `pause()`: no restart would help. Of a
   * process that gets too little CPU only what the turn had of it counts (or ten times as long by the clock).
   * @defaultValue 60_000
   */
  readonly livenessTimeout?: number | undefined;
  /**
   * Limits from which on `/readyz` fails: `maxLag` milliseconds of event-loop lag, `maxQueued` tasks that
   * wait in any one pool. It is ready again when none was exceeded for `recovery` milliseconds (0 to 60000,
   * default 5000).
   * @defaultValue none: ready once the loop turns
   */
  readonly readiness?:
    | {
        /**
         * Milliseconds of event-loop lag, above 0.
         * @defaultValue no limit
         */
        readonly maxLag?: number | undefined;
        /**
         * Tasks that wait in any one pool, 0 and up.
         * @defaultValue no limit
         */
        readonly maxQueued?: number | undefined;
        /**
         * Milliseconds without an excess until it is ready again, 0 to 60000.
         * @defaultValue 5000
         */
        readonly recovery?: number | undefined;
      }
    | undefined;
  /**
   * A secret of at least 32 characters that opens the guarded routes to other hosts, as
   * `Authorization: Bearer`.
   * @defaultValue the variable `WATCHDOG_TOKEN`; without it this host only
   */
  readonly token?: string | undefined;
  /**
   * A file with that secret, in place of `token`. Read again when it changes.
   * @defaultValue the variable `WATCHDOG_TOKEN_FILE`
   */
  readonly tokenFile?: string | undefined;
  /**
   * Whether `/metrics` asks everyone for the token, too. The probes stay open.
   * @defaultValue false
   */
  readonly guardMetrics?: boolean | undefined;
  /**
   * Names, besides `localhost` and IP addresses, by which programs on this host may call the guarded routes.
   * @defaultValue none
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Serves HTTPS (TLS 1.2 and up) with these PEM files; with `ca` only to clients that have a certificate of
   * that authority. Read again when they change. Nobody is served before all of them can be used.
   * @defaultValue plain HTTP
   */
  readonly tls?:
    | {
        /** Path of the private key. */
        readonly key: string;
        /** Path of the certificate, those that lead up to its authority behind it. */
        readonly cert: string;
        /**
         * Path of the certificates of the authorities that clients must be known to.
         * @defaultValue none: clients need no certificate
         */
        readonly ca?: string | undefined;
      }
    | undefined;
  /**
   * For several processes of one app on one host, each with this same call: adds the place of this process
   * among them to `port` (pm2's `NODE_APP_INSTANCE`, or `cluster.worker.id - 1`; port 0 stays 0), says on
   * standard error where it listens, and lists it under `GET /sd` of all of them, by a file in the system's
   * temporary directory.
   * @defaultValue false
   */
  readonly perProcess?: boolean | undefined;
  /**
   * Labels put on every series of the sidecar, the relayed ones too unless they have a label of that name; at
   * most 16, names and values of at most 1024 characters, without control characters.
   * @defaultValue none
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether the sidecar serves what prom-client's `collectDefaultMetrics()` does, by the same names: CPU,
   * memory, file descriptors and start of the process (`process_*`), heap, lag and version (`nodejs_*`). Of a
   * relayed registry's families of these names ours win. Off: for an app that goes on with its own.
   * @defaultValue true
   */
  readonly processMetrics?: boolean | undefined;
  /**
   * The app's own registry, served along on the sidecar's port: a `Registry` of prom-client or
   * `@prometheus-io/client`, in the format that is asked for. While main is blocked its last text is served.
   * Of more than 16 MiB the families that fit are served; rendering takes at most a twentieth of main's time.
   * @defaultValue none
   */
  readonly registry?: MetricsRegistry | undefined;
}

/** What is needed of a prom-client registry. */
export interface MetricsRegistry {
  /** The registry's families in the Prometheus or OpenMetrics text format. */
  metrics(): Promise<string> | string;
  /**
   * The media type of that text: what has `openmetrics` in it is read as such, exemplars included.
   * @defaultValue the Prometheus text format
   */
  readonly contentType?: string | undefined;
}
