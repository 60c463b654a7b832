import type { NativeSettings } from '../native/index.ts';

/** Log, view and decoding settings as types; defaults live only in `cli/config/schema.ts`. */
export type StorageOptions = NativeSettings;
