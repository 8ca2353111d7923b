import assert from "node:assert/strict";
import { it } from "node:test";
import { Writer } from "@fulmen/lightning/codec";

it("a writer puts the length of any number of bytes before them", () => {
  for (const length of [0, 1, 252, 253, 254, 65_535, 65_536, 70_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    for (const capacity of [0, 3, 100_000]) {
      const written = new Writer(capacity).u8(7).withLength((writer) => writer.bytes(bytes));
      const expected = new Writer().u8(7).bigSize(length).bytes(bytes).u8(9);
      assert.deepEqual(written.u8(9).finish(), expected.finish(), `${length} in ${capacity}`);
    }
  }
  const nested = new Writer(0).withLength((outer) => outer.u8(1).withLength((inner) => inner.u16(2)));
  assert.deepEqual(nested.finish(), Uint8Array.of(4, 1, 2, 0, 2));
});
