/**
 * A request's parameters: those of a form body and of the URL together. Where a single value is
 * asked for and both have one, the form's counts, as in the peers.
 */
export class Params {
  readonly #values: URLSearchParams;

  /** @param url path and query; @param form a body of type `application/x-www-form-urlencoded`, or '' */
  constructor(url: string, form: string) {
    const query = url.indexOf('?');
    this.#values = new URLSearchParams(form);
    if (query === -1) return;
    for (const [name, value] of new URLSearchParams(url.slice(query + 1))) this.#values.append(name, value);
  }

  /** The first value, or '' when there is none: the peers make no difference between the two. */
  get(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** Every value of every of these names. */
  all(...names: readonly string[]): string[] {
    return names.flatMap((name) => this.#values.getAll(name));
  }
}

/** A text in double quotes, as the peers quote what they could not read. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

const wholeNumber = /^[+-]?\d+$/;

/** A whole number, or undefined for any other text. */
export function parseWhole(text: string): bigint | undefined {
  return wholeNumber.test(text) ? BigInt(text.startsWith('+') ? text.slice(1) : text) : undefined;
}
