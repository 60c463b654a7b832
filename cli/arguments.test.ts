import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

describe('a command line', () => {
  it('has words, a file and settings, with either way to write a value', () => {
    const args = ['config', 'print', '--config', 'v.yaml', '--data-dir=/d', '--listen-loki-port', '0'];
    expect(readArguments(args)).toEqual({
      words: ['config', 'print'],
      configFile: 'v.yaml',
      flags: new Map([
        ['data-dir', '/d'],
        ['listen-loki-port', '0'],
      ]),
      switches: new Set(),
    });
  });

  it('has switches, which take no value', () => {
    expect(readArguments(['store', '--fast', 'check', '--tenant', 'shop', '--json'])).toEqual({
      words: ['store', 'check'],
      configFile: undefined,
      flags: new Map([['tenant', 'shop']]),
      switches: new Set(['fast', 'json']),
    });
  });

  it('takes --help and --version as commands', () => {
    expect(readArguments(['--help']).words).toEqual(['help']);
    expect(readArguments(['--version']).words).toEqual(['version']);
  });

  it.each([[['start', '--config']], [['start', '--config', '--data-dir', 'x']]])(
    '%j is refused: a flag needs a value',
    (args) => {
      expect(() => readArguments(args)).toThrow('--config needs a value');
    },
  );
});
