import type { Codec } from "./codec.ts";
import { DecodeError } from "./decodeError.ts";

/** Bytes written by a newer version of this kit, which says that this one must not read them. */
export class RecordTooNewError extends DecodeError {
  override readonly name = "RecordTooNewError";
  /** The version that wrote the record. */
  readonly version: number;
  /** The oldest version that may read it. */
  readonly oldestReader: number;
  /** The newest version that this code understands. */
  readonly understood: number;

  constructor(found: { version: number; oldestReader: number }, understood: number, field = "") {
    const needs = `written by version ${found.version}, readable from version ${found.oldestReader} on`;
    super(
      `record ${needs}; this code understands up to version ${understood}: upgrade before opening it`,
      1,
      field,
    );
    this.version = found.version;
    this.oldestReader = found.oldestReader;
    this.understood = understood;
  }

  override within(outer: string): RecordTooNewError {
    return new RecordTooNewError(this, this.understood, this.field === "" ? outer : `${outer}.${this.field}`);
  }
}

/** Versions of a stored record, each 0..255. */
export interface RecordVersion {
  /** What this code writes. */
  readonly version: number;
  /** The oldest version whose code may read what this code writes; at most `version`. */
  readonly oldestReader: number;
}

/**
 * A stored value: the version of the writer, the oldest version that may read it, and a body (a TLV stream, so that
 * older readers skip odd records they do not know and refuse even ones). Reads every version up to its own, and newer
 * ones that allow it; otherwise throws `RecordTooNewError`.
 */
export function versionedRecord<T>({ version, oldestReader }: RecordVersion, body: Codec<T>): Codec<T> {
  return {
    spec: `record v${version}`,
    read(reader) {
      const found = { version: reader.u8(), oldestReader: reader.u8() };
      if (found.oldestReader > found.version) throw reader.error("oldest reader is newer than the record");
      if (found.oldestReader > version) throw new RecordTooNewError(found, version);
      return body.read(reader);
    },
    write(writer, value) {
      writer.u8(version).u8(oldestReader);
      body.write(writer, value);
    },
  };
}
