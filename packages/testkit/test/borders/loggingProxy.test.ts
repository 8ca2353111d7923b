import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BorderCall, loggingProxy, NotPlainError, plainCopy } from "@fulmen/testkit/borders";

describe("plain data", () => {
  it("arrive as they left, and are others", () => {
    const value = {
      text: "a",
      list: [1, -2.5, true, null, [], {}],
      amount: -(2n ** 70n),
      bytes: Uint8Array.of(0, 255),
      nested: { empty: new Uint8Array(0) },
    };
    const copy = plainCopy(value);
    assert.deepEqual(copy, value);
    assert.notEqual(copy, value);
    assert.equal(plainCopy(undefined), undefined);
    assert.deepEqual(plainCopy({ left: undefined, kept: null }), { kept: null });
  });

  it("are nothing else", () => {
    class Thing {
      readonly a = 1;
    }
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [{ a: [{ b: () => 1 }] }, /value\.a\[0\]\.b is of type function/],
      [new Thing(), /value is an instance of Thing/],
      [new Map([[1, 2]]), /instance of Map/],
      [new Set(), /instance of Set/],
      [[undefined], /value\[0\] is of type undefined/],
      [{ n: Number.NaN }, /value\.n is the number NaN/],
      [Symbol("s"), /of type symbol/],
      [{ [Symbol("s")]: 1 }, /with symbols/],
      [{ $bytes: "00" }, /named like a tag/],
    ];
    for (const [value, message] of refused) {
      assert.throws(() => plainCopy(value), { name: NotPlainError.name, message });
    }
  });
});

class Counter {
  #count = 0n;
  readonly start = 5n;
  readonly got: unknown[] = [];

  add(by: { readonly value: bigint }): bigint {
    this.got.push(by);
    this.#count += by.value;
    return this.#count;
  }

  async later(bytes: Uint8Array): Promise<Uint8Array> {
    return bytes;
  }

  fail(): void {
    throw new Error("as it was");
  }

  child(): Counter {
    return new Counter();
  }

  bad(): Counter {
    return new Counter();
  }
}

describe("a logging proxy", () => {
  it("passes copies both ways and notes them", async () => {
    const log: BorderCall[] = [];
    const counter = new Counter();
    const proxy = loggingProxy(counter, { edge: "test", log: (call) => log.push(call) });
    const given = { value: 3n };
    assert.equal(proxy.add(given), 3n);
    assert.equal(proxy.start, 5n);
    assert.deepEqual(await proxy.later(Uint8Array.of(7)), Uint8Array.of(7));
    assert.notEqual(counter.got[0], given);
    assert.throws(() => proxy.fail(), /as it was/);
    assert.deepEqual(log, [
      { edge: "test", name: "add", args: [{ value: 3n }], result: 3n },
      { edge: "test", name: "start", args: [], result: 5n },
      { edge: "test", name: "later", args: [Uint8Array.of(7)], result: Uint8Array.of(7) },
      { edge: "test", name: "fail", args: [] },
    ]);
  });

  it("lets no object through, unless it is told what stands before that one", () => {
    const log: string[] = [];
    const between = (edge: string) => (given: object) =>
      loggingProxy(given, { edge, log: ({ name }) => void log.push(`${edge} ${name}`) });
    const proxy = loggingProxy(new Counter(), {
      edge: "outer",
      log: ({ name }) => void log.push(`outer ${name}`),
      interfaces: { child: between("inner") },
    });
    assert.equal(proxy.child().add({ value: 2n }), 2n);
    assert.throws(() => proxy.bad(), NotPlainError);
    assert.deepEqual(log, ["outer child", "inner add"]);
  });
});
