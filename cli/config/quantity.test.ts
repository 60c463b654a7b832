import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { durationMs, sizeBytes } from './quantity.ts';

const load = (variable: string, text: string) =>
  loadConfig({ file: undefined, environment: { [variable]: text }, flags: new Map() });

describe('a setting with its unit in the value', () => {
  it.each([
    ['64MiB', 64 * 1024 ** 2],
    ['1 GiB', 1024 ** 3],
    ['10B', 10],
  ])('%s is a size', (text, bytes) => {
    expect(sizeBytes(text)).toBe(bytes);
  });

  it.each([
    ['5s', 5_000],
    ['250ms', 250],
    ['2m', 120_000],
  ])('%s is a duration', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each(['64', '64MB', '-1GiB', '1.5GiB', '', 'GiB', '64MiB more'])('%j is no size', (text) => {
    expect(sizeBytes(text)).toBeUndefined();
  });

  it('keeps its text in the configuration', () => {
    expect(load('VARVE_LOG_SEGMENT_SIZE', '512MiB').config.log.segment_size).toBe('512MiB');
  });

  it.each([
    [
      'VARVE_LOG_WRITE_BUFFER_SIZE',
      '1KiB',
      'VARVE_LOG_WRITE_BUFFER_SIZE is "1KiB", it must be from 1MiB to 16GiB, as a number and one of B, KiB, MiB, GiB',
    ],
    [
      'VARVE_LOG_EPOCH_TIMEOUT',
      '5',
      'VARVE_LOG_EPOCH_TIMEOUT is "5", it must be from 100ms to 10m, as a number and one of ms, s, m, h',
    ],
  ])('%s=%s is refused', (variable, text, message) => {
    expect(() => load(variable, text)).toThrow(message);
  });
});
