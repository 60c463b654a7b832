import { badParameter } from '../errors.ts';
import { type Params, quoted } from '../params.ts';

/** A parameter that is true or false, which it is without a value. @throws Refused badParameter */
export function flagOf(params: Params, name: string): boolean {
  const text = params.get(name);
  switch (text) {
    case '':
    case 'false':
    case '0':
      return false;
    case 'true':
    case '1':
      return true;
    default:
      throw badParameter(`${name} is ${quoted(text)}; it must be true or false`);
  }
}
