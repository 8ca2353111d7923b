import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/**
 * How one kind of value is laid out in bytes. Methods, not arrow properties, so that `Codec<unknown>` can stand for
 * any codec in constraints.
 */
export interface Codec<T> {
  /** The BOLTs' name of the type: `u16`, `point`, `...*byte`; the docs and the comparison with the BOLTs show it. */
  readonly spec: string;
  /** Reads one value; throws `DecodeError` on bytes that are not one. */
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

/** The value that a codec reads and writes. */
export type TypeOf<C> = C extends Codec<infer T> ? T : never;
