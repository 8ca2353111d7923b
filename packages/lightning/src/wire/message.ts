import {
  type Codec,
  DecodeError,
  type Fields,
  type FieldValues,
  fieldEntries,
  readFields,
  tlvs,
  writeFields,
} from "../codec/index.ts";

/** A decoded message: the BOLTs' name as `type`, then the fields in camelCase. */
export type MessageValue<N extends string, F extends Fields> = { readonly type: N } & FieldValues<F>;

/** The declaration of one message, and its codec (of the bytes behind the two bytes of the type). */
export interface MessageCodec<N extends string, F extends Fields> extends Codec<MessageValue<N, F>> {
  readonly type: N;
  /** The type on the wire; even ones must be understood (BOLT 1, "Lightning Message Format"). */
  readonly number: number;
  /** Where it is specified. */
  readonly section: string;
  readonly fields: F;
}

/** What a message is called, and where it comes from. */
export interface MessageHead<N extends string> {
  readonly type: N;
  readonly number: number;
  readonly section: string;
}

/**
 * Declares a message. A last field that is a TLV stream or takes up all that remains is the extension; without one,
 * an extension is checked to be a valid TLV stream without unknown even records, and dropped.
 */
export function message<N extends string, F extends Fields>(
  head: MessageHead<N>,
  fields: F,
): MessageCodec<N, F> {
  const entries = fieldEntries(fields);
  return {
    ...head,
    spec: head.type,
    fields,
    read(reader) {
      try {
        const value = readFields(entries, reader, { type: head.type });
        if (reader.remaining > 0) extension.read(reader);
        return value as MessageValue<N, F>;
      } catch (error) {
        throw error instanceof DecodeError ? error.within(head.type) : error;
      }
    },
    write(writer, value) {
      writeFields(entries, writer, value);
    },
  };
}

const extension = tlvs("extension", {});
