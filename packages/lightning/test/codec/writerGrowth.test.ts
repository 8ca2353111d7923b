import assert from "node:assert/strict";
import { it } from "node:test";
import { Writer } from "@fulmen/lightning/codec";

it("a writer grows by any kind of value at its last byte", () => {
  const grown: readonly [string, (writer: Writer) => Writer, readonly number[]][] = [
    ["u8", (writer) => writer.u8(1), [1]],
    ["u16", (writer) => writer.u16(1), [0, 1]],
    ["u32", (writer) => writer.u32(1), [0, 0, 0, 1]],
    ["u64", (writer) => writer.u64(1n), [0, 0, 0, 0, 0, 0, 0, 1]],
    ["s64", (writer) => writer.s64(-1n), [255, 255, 255, 255, 255, 255, 255, 255]],
    ["bytes", (writer) => writer.bytes(Uint8Array.of(1, 2, 3)), [1, 2, 3]],
    ["truncated", (writer) => writer.truncated(0x102n), [1, 2]],
  ];
  for (const [name, write, expected] of grown) {
    for (const capacity of [0, 1, 2, 3]) {
      const writer = new Writer(capacity).u8(7);
      assert.deepEqual(write(writer).finish(), Uint8Array.of(7, ...expected), `${name} in ${capacity}`);
    }
  }
});
