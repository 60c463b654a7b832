import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildInfo } from '../query-api/index.ts';

interface PackageJson {
  readonly version: string;
}

/** What was built: the package's version, and `dist/build.json`, which the build leaves beside the program. */
export function readBuildInfo(): BuildInfo {
  const unknown = { revision: 'unknown', branch: 'unknown', buildUser: 'unknown', buildDate: '' };
  let folder = dirname(fileURLToPath(import.meta.url));
  let built: Partial<BuildInfo> = {};
  while (!existsSync(join(folder, 'package.json'))) {
    const file = join(folder, 'build.json');
    if (existsSync(file)) built = JSON.parse(readFileSync(file, 'utf8')) as Partial<BuildInfo>;
    folder = dirname(folder);
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
  return { ...unknown, ...built, version };
}
