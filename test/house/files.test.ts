import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceFiles, textOf } from './tree.ts';

/** Files that are allowed to be longer, each for one reason. The list may only shrink. */
const longer: Readonly<Record<string, number>> = {
  // One algebra, read as a whole; two thirds of it are docstrings.
  'native/query/src/plan.rs': 1_250,
};

describe('a source file', () => {
  it('has at most 400 lines', () => {
    const tooLong = sourceFiles()
      .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (longer[path] ?? 400));
    expect(tooLong).toEqual([]);
  });

  it('that is listed as longer is still there, and longer', () => {
    for (const path of Object.keys(longer)) expect(textOf(path).split('\n').length).toBeGreaterThan(400);
  });

  it('leaves nothing for later', () => {
    const marks = new RegExp(
      [
        '\\bTO' + 'DO\\b',
        '\\bFIX' + 'ME\\b',
        '\\bX' + 'XX\\b',
        'todo' + '!\\(',
        'unimplemented' + '!\\(',
      ].join('|'),
    );
    expect(sourceFiles().filter((path) => marks.test(textOf(path)))).toEqual([]);
  });

  it('is named after what it holds', () => {
    const vague = /^(utils?|helpers?|common|misc)$/;
    const names = sourceFiles().filter((path) =>
      path.split('/').some((part) => vague.test(basename(part).replace(/\..*$/, ''))),
    );
    expect(names).toEqual([]);
  });
});
