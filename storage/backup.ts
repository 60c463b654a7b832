import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** How far a backup or restore is, told after each file. */
export interface CopyProgress {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
}

/** What a backup or restore did. */
export interface CopySummary {
  readonly files: number;
  readonly bytes: number;
  /** Those that were there already, whole: from a run that was interrupted, or an older backup. */
  readonly filesKept: number;
}

interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

interface BackupIndex {
  readonly version: 1;
  readonly createdAtMs: number;
  readonly files: readonly CopiedFile[];
}

const indexName = 'backup.json';
/** Names a copy that is not whole; a restore may go on where it finds it, and nothing starts on it. */
const unfinishedName = 'restore.unfinished';

/** A file to be copied, by its path below the data directory. */
export interface WantedFile {
  readonly path: string;
  readonly bytes: number;
  /** Only this much of it, from the front: it is being written. */
  readonly frontBytes?: number;
  /** What it shall have; it may be another file by now. */
  readonly content?: string;
}

/**
 * Copies a data directory that nothing writes to, and says of each file what it has. Called again after
 * an interruption, or later, it copies only what the target does not have. The index is written last:
 * a folder without one is no backup.
 *
 * @throws Error naming the file that cannot be read or written; what was copied stays
 */
export async function backUp(
  source: string,
  target: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopySummary> {
  return await writeBackup(source, target, onProgress, [() => filesToCopy(source)]);
}

/** The files that belong into a backup, of all of the data directory or of a folder that may not be there. */
export async function filesToCopy(dataDir: string, folder = ''): Promise<WantedFile[]> {
  const wanted: WantedFile[] = [];
  for (const path of await filesBelow(dataDir, folder)) {
    if (!isBackedUp(path)) continue;
    // Of a store that is open a counter may have a new name by now.
    const file = await stat(join(dataDir, path)).catch((thrown: unknown) => {
      if (folder !== '' && isMissing(thrown)) return undefined;
      throw thrown;
    });
    if (file !== undefined) wanted.push({ path, bytes: file.size });
  }
  return wanted;
}

/** Copies files stage by stage, each asked for when the one before is copied, then writes the index. */
export async function writeBackup(
  source: string,
  target: string,
  onProgress: (progress: CopyProgress) => void,
  stages: readonly (() => Promise<readonly WantedFile[]>)[],
): Promise<CopySummary> {
  if (!relative(source, target).startsWith('..'))
    throw new Error(`${target} is inside of the data directory ${source}; name another folder`);
  await mkdir(target, { recursive: true });
  await refuseOthers(target);
  const known = await readIndex(target);
  await rm(join(target, indexName), { force: true });
  const files: CopiedFile[] = [];
  let summary: CopySummary = { files: 0, bytes: 0, filesKept: 0 };
  for (const stage of stages) {
    const copied = await copyAll(await stage(), source, target, onProgress, async ({ path }, found) => {
      files.push({ path, ...found });
      await Promise.resolve();
    });
    summary = {
      files: summary.files + copied.files,
      bytes: summary.bytes + copied.bytes,
      filesKept: summary.filesKept + copied.filesKept,
    };
  }
  const names = new Set(files.map(({ path }) => path));
  for (const { path } of known?.files ?? [])
    if (!names.has(path)) await rm(join(target, path), { force: true });
  const index: BackupIndex = { version: 1, createdAtMs: Date.now(), files };
  await writeSynced(join(target, indexName), JSON.stringify(index));
  return summary;
}

/**
 * Makes a data directory of a backup, each file compared with the index. An interrupted restore goes on
 * when it is called again.
 *
 * @throws Error when the target has something else in it, or naming the file that is not what was backed up
 */
export async function restore(
  backup: string,
  target: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopySummary> {
  const index = await readIndex(backup);
  if (index === undefined)
    throw new Error(`${backup} has no ${indexName}: it is no backup, or one that did not come to its end`);
  await mkdir(target, { recursive: true });
  const there = await readdir(target);
  if (there.length > 0 && !there.includes(unfinishedName))
    throw new Error(`${target} is not empty; restore to a folder that is, then start with it as --data-dir`);
  await writeSynced(join(target, unfinishedName), `restore of ${backup}\n`);
  const summary = await copyAll(index.files, backup, target, onProgress, async ({ path, sha256 }, copied) => {
    if (copied.sha256 === sha256) return;
    await rm(join(target, path), { force: true });
    throw new Error(`${join(backup, path)} is damaged: it is not what was backed up`);
  });
  await rm(join(target, unfinishedName));
  await syncFolder(target);
  return summary;
}

/** Whether a restore to this folder did not come to its end. */
export async function isUnfinishedRestore(dataDir: string): Promise<boolean> {
  return (await readdir(dataDir).catch((): string[] => [])).includes(unfinishedName);
}

/** Copies files that the target does not have as they are; `check` is told what was copied, or found. */
async function copyAll<T extends WantedFile>(
  files: readonly T[],
  from: string,
  to: string,
  onProgress: (progress: CopyProgress) => void,
  check: (file: T, copied: Omit<CopiedFile, 'path'>) => Promise<void>,
): Promise<CopySummary> {
  const bytesTotal = files.reduce((sum, file) => sum + file.bytes, 0);
  let bytes = 0;
  let filesKept = 0;
  for (const [at, file] of files.entries()) {
    const target = join(to, file.path);
    const there = await hashOf(() => createReadStream(target));
    const source = (): Readable => contentOf(file, join(from, file.path));
    const isThere = there?.bytes === file.bytes && there.sha256 === (await hashOf(source))?.sha256;
    if (isThere) filesKept += 1;
    await check(file, isThere ? there : await copySynced(source(), target));
    bytes += file.bytes;
    onProgress({ files: at + 1, filesTotal: files.length, bytes, bytesTotal });
  }
  return { files: files.length, bytes: bytesTotal, filesKept };
}

function contentOf({ frontBytes, content }: WantedFile, source: string): Readable {
  if (content !== undefined) return Readable.from([Buffer.from(content)]);
  return createReadStream(source, frontBytes === undefined ? {} : { end: frontBytes - 1 });
}

/** What a file has; undefined where there is none. */
async function hashOf(content: () => Readable): Promise<Omit<CopiedFile, 'path'> | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of content()) {
      hash.update(part as Buffer);
      bytes += (part as Buffer).length;
    }
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Writes a file under another name, then gives it its own: what has its name is whole. */
async function copySynced(source: Readable, target: string): Promise<Omit<CopiedFile, 'path'>> {
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const hashing = new Transform({
    transform(part: Buffer, _encoding, done) {
      hash.update(part);
      bytes += part.length;
      done(null, part);
    },
  });
  const beside = `${target}.part`;
  await pipeline(source, hashing, createWriteStream(beside, { flush: true }));
  await rename(beside, target);
  await syncFolder(dirname(target));
  return { bytes, sha256: hash.digest('hex') };
}

/** Paths from the data directory on. */
async function filesBelow(dataDir: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(dataDir, folder), { recursive: true, withFileTypes: true }).catch(
    (thrown: unknown) => {
      if (folder !== '' && isMissing(thrown)) return [];
      throw thrown;
    },
  );
  const files = entries.filter((entry) => entry.isFile());
  return files
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** The lock says whose the folder is, the others are files that a crash left half made. */
function isBackedUp(path: string): boolean {
  return path !== 'lock' && !path.endsWith('.new') && !path.endsWith('.part');
}

/** A folder with other things in it may be something that someone needs. */
async function refuseOthers(target: string): Promise<void> {
  const ours = new Set([indexName, 'journal', 'meta', 'manifest', 'segments', 'quarantine', 'counters']);
  const other = (await readdir(target)).find((name) => !ours.has(name) && !name.endsWith('.counter'));
  if (other !== undefined)
    throw new Error(`${target} has other files in it (${other}); name an empty folder`);
}

async function readIndex(folder: string): Promise<BackupIndex | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, indexName), 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  const index = JSON.parse(text) as BackupIndex | { readonly version: number };
  if (index.version !== 1 || !('files' in index))
    throw new Error(`${join(folder, indexName)} has version ${index.version}, this program reads 1`);
  return index;
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

async function writeSynced(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text, { flush: true });
  await rename(`${path}.part`, path);
  await syncFolder(dirname(path));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
