import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

describe("the bench's flags", () => {
  it('set sizes, and leave a signal out at 0', () => {
    expect(readOptions(['--logs', '1000000', '--spans', '0', '--json', 'results.json'])).toMatchObject({
      logs: 1_000_000,
      spans: 0,
      connections: 4,
      json: 'results.json',
      folder: undefined,
    });
  });

  it.each([
    [['--logs', '10'], '--logs 10 is not a whole number of at least 10000'],
    [['--connections', 'many'], '--connections many is not a whole number of at least 1'],
    [['--log', '1'], "Unknown option '--log'"],
  ])('%j are refused: %s', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
