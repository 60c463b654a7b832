/** What each unit stands for, in bytes; any case. Units without `i` are decimal, as Loki reads them. */
const units: Readonly<Record<string, number>> = {
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  p: 1e15,
  pb: 1e15,
  e: 1e18,
  eb: 1e18,
  ki: 2 ** 10,
  kib: 2 ** 10,
  mi: 2 ** 20,
  mib: 2 ** 20,
  gi: 2 ** 30,
  gib: 2 ** 30,
  ti: 2 ** 40,
  tib: 2 ** 40,
  pi: 2 ** 50,
  pib: 2 ** 50,
  ei: 2 ** 60,
  eib: 2 ** 60,
};

/** A size such as `512kB` or `1.5MiB` in whole bytes, rounded down; `null` when it is not one. */
export function parseBytes(text: string): number | null {
  const found = /^(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]+)$/.exec(text);
  const unit = units[found?.[2]?.toLowerCase() ?? ''];
  return found === null || unit === undefined ? null : Math.floor(Number(found[1]) * unit);
}
