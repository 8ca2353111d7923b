import type { Codec } from "./codec.ts";

/** Values of one kind, one after another. */
export interface ArrayCodec<T> extends Codec<readonly T[]> {
  readonly element: Codec<T>;
}

/** Up to 65535 values behind their u16 count. Memory grows with the bytes that are there, not with the count. */
export function array16<T>(element: Codec<T>): ArrayCodec<T> {
  return {
    spec: `u16*${element.spec}`,
    element,
    read(reader) {
      const count = reader.u16();
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(element.read(reader));
      return values;
    },
    write(writer, values) {
      writer.u16(values.length);
      for (const value of values) element.write(writer, value);
    },
  };
}

/** 1 to 255 values behind their count of one byte. */
export function array8<T>(element: Codec<T>): ArrayCodec<T> {
  return {
    spec: `byte*${element.spec}`,
    element,
    read(reader) {
      const count = reader.u8();
      if (count === 0) throw reader.error("no value where there is one at least");
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(element.read(reader));
      return values;
    },
    write(writer, values) {
      writer.u8(values.length);
      for (const value of values) element.write(writer, value);
    },
  };
}

/** Values until nothing remains. The element must take up at least one byte. */
export function many<T>(element: Codec<T>): ArrayCodec<T> {
  return {
    spec: `...*${element.spec}`,
    element,
    read(reader) {
      const values: T[] = [];
      while (reader.remaining > 0) values.push(element.read(reader));
      return values;
    },
    write(writer, values) {
      for (const value of values) element.write(writer, value);
    },
  };
}

/** For those who go through declarations: whether `codec` is of an array. */
export function isArrayCodec(codec: Codec<unknown>): codec is ArrayCodec<unknown> {
  return "element" in codec;
}
