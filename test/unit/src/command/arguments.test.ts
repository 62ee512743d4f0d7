import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../../src/command/arguments.js';
import { COMMANDS, helpOf } from '../../../../src/command/help.js';

const ID = '4711-mif7kq3at0r4xk2m9qp-12';
const matching = (message: string | RegExp): unknown =>
  typeof message === 'string' ? message : expect.stringMatching(message);
const parse = (line: string) => parseArguments(line === '' ? [] : line.split(' '));

describe('arguments', () => {
  it('are a command, whom to ask, and flags, in any order', () => {
    const plain = { command: 'top', target: undefined, json: false };
    expect(parse('top')).toMatchObject(plain);
    expect(parse('top shop-1:9465 --json')).toMatchObject({ ...plain, target: 'shop-1:9465', json: true });
    expect(parse('--token-file secret --json top 9465')).toMatchObject({
      command: 'top',
      target: '9465',
      tokenFile: 'secret',
      json: true,
    });
    expect(parse('profile --seconds 2.5 --thread=7 --output -')).toMatchObject({
      seconds: 2.5,
      thread: '7',
      output: '-',
    });
    expect(parse(`profile 9465 --stall ${ID}`)).toMatchObject({ target: '9465', stall: ID });
    expect(parse(`profile --output=-odd`)).toMatchObject({ output: '-odd' });
  });

  it('of stalls may have an id, before whom to ask or after', () => {
    expect(parse(`stalls ${ID} 9465`)).toMatchObject({ stall: ID, target: '9465' });
    expect(parse(`stalls 9465 ${ID}`)).toMatchObject({ stall: ID, target: '9465' });
    expect(parse('stalls 9465')).toMatchObject({ stall: undefined, target: '9465' });
  });

  it('may ask for help, or the version', () => {
    expect(parse('--help')).toEqual({ help: undefined });
    expect(parse('profile -h')).toEqual({ help: 'profile' });
    expect(parse('-v')).toBe('version');
  });

  it.each([
    ['', 'Which command? There are top, stalls, stacks, profile.'],
    ['stack', 'There is no command "stack"; the nearest is stacks. There are top, stalls, stacks, profile.'],
    [
      'top --jsno',
      'top has no --jsno; the nearest is --json. It has --token-file, --json, --help, --version.',
    ],
    ['top -x', 'top has no -x. It has --token-file, --json, --help, --version.'],
    ['stacks --seconds 3', /^stacks has no --seconds;/],
    ['top --token abc', /every user of the host: .*--token-file FILE/],
    ['top --json=yes', '--json takes no value.'],
    ['top --token-file', '--token-file needs a value.'],
    ['profile --output --json', '--output needs a value.'],
    ['profile --output=', '--output needs a value.'],
    ['profile --seconds 31', '--seconds must be a number from 1 to 30, but is "31".'],
    ['profile --seconds soon', '--seconds must be a number from 1 to 30, but is "soon".'],
    ['profile --stall ../secret', /^--stall must be the id of a stall/],
    [`profile --stall ${ID} --seconds 3`, /neither --seconds nor --thread/],
    ['top 9465 9466', 'top does not know what to do with "9466".'],
  ])('that are wrong are told what is right: %s', (line, message) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ message: matching(message), exitCode: 2 }));
  });
});

describe('help', () => {
  it('names each command, and of each the flags that it takes', () => {
    for (const command of Object.keys(COMMANDS)) expect(helpOf(undefined)).toContain(`  ${command}`);
    for (const flag of ['--seconds', '--thread', '--stall', '--output', '--json', '--token-file']) {
      expect(helpOf('profile')).toContain(flag);
    }
  });

  it('fits a small terminal', () => {
    const all = [undefined, 'top', 'stalls', 'stacks', 'profile'] as const;
    for (const line of all.map(helpOf).join('').split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(92);
  });
});
