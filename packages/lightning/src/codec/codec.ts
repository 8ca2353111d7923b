import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/**
 * How one kind of value is laid out in bytes. Methods, not arrow properties, so that `Codec<unknown>` can stand for
 * any codec in constraints.
 */
export interface Codec<T> {
  /**
   * The BOLTs' name of the type: `u16`, `point`, `...*byte`; `u16*byte` where a length of that type comes first.
   * The docs and the comparison with the BOLTs show it.
   */
  readonly spec: string;
  /** Bytes that every value takes up; absent where values differ in length. */
  readonly size?: number;
  /** Reads one value; throws `DecodeError` on bytes that are not one. */
  read(reader: Reader): T;
  /** Appends one value; throws `InvariantError` on a value that the layout cannot hold. */
  write(writer: Writer, value: T): void;
}

/** The value that a codec reads and writes. */
export type TypeOf<C> = C extends Codec<infer T> ? T : never;

/** The value whose encoding is exactly `bytes`; throws `DecodeError` otherwise. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.expectEnd();
  return value;
}

/** `value` as bytes of its own. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}
