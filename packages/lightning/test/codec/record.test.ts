import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DecodeError,
  decode,
  encode,
  RecordTooNewError,
  struct,
  tlvs,
  u16,
  versionedRecord,
} from "@fulmen/lightning/codec";
import { fromHex, toHex } from "@fulmen/lightning/util";

const body = tlvs("body", { value: { type: 0, codec: u16, required: true } });
const v2 = versionedRecord({ version: 2, oldestReader: 1 }, body);

describe("versionedRecord", () => {
  it("writes its version and the oldest that may read it", () => {
    assert.equal(toHex(encode(v2, { value: 7 })), "020100020007");
  });

  it("reads records of its own, older and compatible newer versions", () => {
    for (const hex of ["020100020007", "010100020007", "090200020007"]) {
      assert.deepEqual(decode(v2, fromHex(hex)), { value: 7 });
    }
  });

  it("skips odd records of a newer version and refuses even ones", () => {
    assert.deepEqual(decode(v2, fromHex("0301000200070100")), { value: 7 });
    assert.throws(() => decode(v2, fromHex("0301000200070200")), DecodeError);
  });

  it("says of a record that is too new what it needs", () => {
    const nested = struct("row", { record: v2 });
    assert.throws(
      () => decode(nested, fromHex("050300020007")),
      (error) =>
        error instanceof RecordTooNewError &&
        error.version === 5 &&
        error.oldestReader === 3 &&
        error.understood === 2 &&
        error.field === "record" &&
        /written by version 5, readable from version 3 on.*up to version 2/.test(error.message),
    );
  });

  it("refuses a record that its own version could not read, and one cut short", () => {
    for (const hex of ["0102", "02", "", "0201", "02010002"]) {
      assert.throws(() => decode(v2, fromHex(hex)), DecodeError, hex);
    }
  });
});
