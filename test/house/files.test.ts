import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceFiles, textOf } from './tree.ts';

describe('a source file', () => {
  it('has at most 400 lines', () => {
    const tooLong = sourceFiles()
      .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400);
    expect(tooLong).toEqual([]);
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
