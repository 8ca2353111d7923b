import { StoreError } from "../storeError.ts";
import { corruptFile } from "./fileError.ts";
import { decodeHeader, type FileHeader, type FileKind } from "./frames.ts";

/** What a file must be. */
export interface ExpectedFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly number: number;
}

/** The header of a file that begins with `bytes`. Throws `StoreError` `corrupt` or `newer-schema`. */
export function readHeader(bytes: Uint8Array, { path, kind, number }: ExpectedFile): FileHeader {
  const read = decodeHeader(bytes, kind);
  switch (read.kind) {
    case "damaged":
      throw corruptFile(path, 0, read.what);
    case "newer":
      throw new StoreError(
        "newer-schema",
        `the store's file ${path} has format ${read.version}, this Fulmen reads format 1: use the newer Fulmen again`,
      );
    case "header":
      if (read.header.number === number) return read.header;
      throw corruptFile(path, 8, `it was written as number ${read.header.number}: it was renamed or copied`);
  }
}
