import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, hexInto, toHex } from "@fulmen/bitcoin/primitives";

describe("hex", () => {
  it("reads every byte in either case", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    assert.deepEqual(fromHex(toHex(all)), all);
    assert.deepEqual(fromHex(toHex(all).toUpperCase()), all);
    assert.deepEqual(fromHex(""), new Uint8Array(0));
  });

  it("refuses every other character in either half of a byte, and half bytes", () => {
    const isDigit = (character: string) => /^[0-9a-fA-F]$/.test(character);
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      if (isDigit(character)) continue;
      assert.throws(() => fromHex(`00${character}0`), RangeError, `${code} in front`);
      assert.throws(() => fromHex(`000${character}`), RangeError, `${code} behind`);
    }
    assert.throws(() => fromHex("abc"), RangeError);
  });

  it("fills bytes with a string of their length only", () => {
    const bytes = new Uint8Array(2);
    assert.equal(hexInto(bytes, "02fF"), bytes);
    assert.equal(toHex(bytes), "02ff");
    for (const text of ["", "02", "02f", "02ff0", "02ff00"]) {
      assert.throws(() => hexInto(bytes, text), RangeError, text);
    }
  });
});
