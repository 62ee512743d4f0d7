import { afterEach, describe, expect, it } from 'vitest';
import { killChildren, startChild } from '../support/child.js';

afterEach(killChildren);

const live = (way: string) => startChild('lifecycle.mjs', { args: [way] }).exit;

describe('a process with the watchdog ends as one without:', () => {
  it.each([
    ['natural end', { code: 0, signal: null }],
    ['natural end when ready', { code: 0, signal: null, stdout: 'true\n' }],
    ['process.exit', { code: 7, signal: null }],
    ['process.exit when ready', { code: 7, signal: null }],
    ['uncaught exception', { code: 1, signal: null, stderr: expect.stringContaining('the app is broken') }],
    ['process.exit in uncaughtException', { code: 9, signal: null }],
    ['sigterm', { code: null, signal: 'SIGTERM' }],
  ])('%s', async (way, end) => {
    const exit = await live(way);
    expect(exit).toMatchObject(end);
    if (way !== 'uncaught exception') expect(exit.stderr).toBe('');
  });

  it('also where Node.js has lost count of its immediates', async () => {
    expect(await startChild('miscounted.cjs').exit).toMatchObject({ code: 0, signal: null });
  });
});

describe('the watchdog never harms its host:', () => {
  it.each([
    ['close during start', 'ERR_WATCHDOG_CLOSED\n'],
    ['close twice', 'closed\n'],
    ['start again after close', 'true\nERR_WATCHDOG_CLOSED\n'],
    ['calls after close', 'done\nERR_WATCHDOG_CLOSED\nERR_WATCHDOG_CLOSED\n'],
    ['start twice', 'true ERR_WATCHDOG_ALREADY_STARTED\n'],
    ['busy port', 'true EADDRINUSE\ntrue\nEADDRINUSE\nOK\n'],
    ['nobody listens to ready', 'EADDRINUSE\n'],
    ['a listener throws', 'WATCHDOG_LISTENER_THREW\n'],
  ])('%s', async (way, stdout) => {
    expect(await live(way)).toMatchObject({ code: 0, signal: null, stdout });
  });
});
