import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import {
  classifyScript,
  decodeScriptNumber,
  dustLimit,
  encodeScriptNumber,
  isMinimalPush,
  isPayToAnchor,
  op,
  opcodeName,
  p2a,
  p2pkh,
  p2sh,
  p2tr,
  p2wpkh,
  p2wpkhOf,
  p2wsh,
  parseScript,
  script,
  witnessProgram,
} from "@fulmen/bitcoin/script";
import { BitcoinDecodeError } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";

const hash20 = new Uint8Array(20).fill(2);
const hash32 = new Uint8Array(32).fill(3);
const generator = fromHex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");

test("pushes are the shortest at every edge", () => {
  const cases: readonly [Uint8Array | bigint, string][] = [
    [new Uint8Array(0), "00"],
    [Uint8Array.of(0), "0100"],
    [Uint8Array.of(1), "51"],
    [Uint8Array.of(16), "60"],
    [Uint8Array.of(17), "0111"],
    [Uint8Array.of(0x81), "4f"],
    [Uint8Array.of(0x80), "0180"],
    [0n, "00"],
    [-1n, "4f"],
    [1n, "51"],
    [16n, "60"],
    [17n, "0111"],
    [127n, "017f"],
    [128n, "028000"],
    [-128n, "028080"],
    [144n, "029000"],
    [500_000n, "0320a107"],
    [0xffff_ffffn, "05ffffffff00"],
  ];
  for (const [part, expected] of cases) assert.equal(toHex(script(part)), expected, String(part));
  for (const [length, head] of [
    [75, "4b"],
    [76, "4c4c"],
    [255, "4cff"],
    [256, "4d0001"],
    [65_535, "4dffff"],
    [65_536, "4e00000100"],
  ] as const) {
    const built = script(new Uint8Array(length).fill(9));
    assert.equal(toHex(built.subarray(0, head.length / 2)), head);
    assert.equal(built.length, head.length / 2 + length);
    const [only, ...more] = parseScript(built);
    assert.equal(more.length, 0);
    assert.equal(only?.data?.length, length);
    assert.equal(isMinimalPush(only?.opcode ?? -1, only?.data ?? hash20), true);
  }
});

test("parts read back as they were put", () => {
  const part = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0x61, max: 0xff }));
  const property = fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
    const ops = parseScript(script(...parts));
    assert.equal(ops.length, parts.length);
    for (const [i, { opcode, data }] of ops.entries()) {
      const put = parts[i];
      if (typeof put === "number") assert.equal(opcode, put);
      else if (data !== undefined) assert.deepEqual(data, put);
      else assert.deepEqual(opcode === op._1NEGATE ? [0x81] : [opcode - op.RESERVED], [...(put ?? [])]);
    }
  });
  fc.assert(property, { seed: 5, numRuns: 200 });
});

test("a push past the end is refused with its place", () => {
  for (const [hex, offset] of [
    ["02ff", 0],
    ["514c", 1],
    ["4c05ffffffff", 0],
    ["4dff", 0],
    ["4dffff00", 0],
    ["4e010000", 0],
    ["ac4effffffff00", 1],
  ] as const) {
    assert.throws(
      () => parseScript(fromHex(hex)),
      (error) => error instanceof BitcoinDecodeError && error.offset === offset,
      hex,
    );
  }
});

test("script numbers: round trip, length and shortest form", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 39n) + 1n, max: 2n ** 39n - 1n }), (value) => {
      assert.equal(decodeScriptNumber(encodeScriptNumber(value), { maxLength: 5 }), value);
    }),
    { seed: 6, numRuns: 300 },
  );
  assert.equal(decodeScriptNumber(fromHex("ffffff7f")), 0x7fff_ffffn);
  assert.equal(decodeScriptNumber(fromHex("ffffffff")), -0x7fff_ffffn);
  assert.throws(() => decodeScriptNumber(fromHex("0000008000")), BitcoinDecodeError);
  for (const hex of ["00", "80", "0100", "0180", "ff0000"]) {
    assert.throws(() => decodeScriptNumber(fromHex(hex)), BitcoinDecodeError, hex);
  }
  assert.equal(decodeScriptNumber(fromHex("0100"), { minimal: false }), 1n);
  assert.equal(decodeScriptNumber(fromHex("80"), { minimal: false }), 0n);
  assert.equal(decodeScriptNumber(fromHex("ff00")), 255n);
});

test("standard outputs have the bytes that the network knows", () => {
  assert.equal(toHex(p2wpkh(hash20)), `0014${"02".repeat(20)}`);
  assert.equal(toHex(p2wpkhOf(generator)), "0014751e76e8199196d454941c45d1b3a323f1433bd6");
  assert.equal(
    toHex(p2wsh(script(generator, op.CHECKSIG))),
    "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
  );
  assert.equal(toHex(p2tr(hash32)), `5120${"03".repeat(32)}`);
  assert.equal(toHex(p2pkh(hash20)), `76a914${"02".repeat(20)}88ac`);
  assert.equal(toHex(p2sh(hash20)), `a914${"02".repeat(20)}87`);
  assert.equal(toHex(p2a()), "51024e73");
  assert.throws(() => p2wpkh(hash32), RangeError);
  assert.throws(() => p2tr(generator), RangeError);
  assert.throws(() => p2wpkhOf(hash32), RangeError);
});

test("scripts are told apart", () => {
  const cases = [
    [p2pkh(hash20), { kind: "p2pkh", hash: hash20 }],
    [p2sh(hash20), { kind: "p2sh", hash: hash20 }],
    [p2wpkh(hash20), { kind: "p2wpkh", hash: hash20 }],
    [script(op._0, hash32), { kind: "p2wsh", hash: hash32 }],
    [p2tr(hash32), { kind: "p2tr", outputKey: hash32 }],
    [p2a(), { kind: "p2a" }],
    [script(op._1, hash20), { kind: "unknown-witness", version: 1, program: hash20 }],
    [script(op._16, hash32), { kind: "unknown-witness", version: 16, program: hash32 }],
    [script(generator, op.CHECKSIG), { kind: "p2pk", pubkey: generator }],
    [script(op.RETURN, hash32), { kind: "unspendable" }],
    [new Uint8Array(10_001), { kind: "unspendable" }],
    [script(hash32, op.CHECKSIG), { kind: "other" }],
    [script(op._1NEGATE, hash32), { kind: "other" }],
    [script(), { kind: "other" }],
    [Uint8Array.of(op._1, 1, 2), { kind: "other" }],
    [script(op._1, new Uint8Array(41)), { kind: "other" }],
    [Uint8Array.of(...p2pkh(hash20), op.NOP), { kind: "other" }],
    [Uint8Array.of(op._0, op.PUSHDATA1, 32, ...hash32), { kind: "other" }],
  ] as const;
  for (const [bytes, expected] of cases) assert.deepEqual(classifyScript(bytes), expected);
  assert.equal(isPayToAnchor(p2a()), true);
  assert.equal(isPayToAnchor(Uint8Array.of(...p2a(), 0)), false);
  assert.equal(witnessProgram(script(op._1, new Uint8Array(40)))?.program.length, 40);
});

test("dust limits are those of BOLT 3", () => {
  assert.equal(dustLimit(p2pkh(hash20)), 546n);
  assert.equal(dustLimit(p2sh(hash20)), 540n);
  assert.equal(dustLimit(p2wpkh(hash20)), 294n);
  assert.equal(dustLimit(p2wsh(hash20)), 330n);
  assert.equal(dustLimit(p2tr(hash32)), 330n);
  assert.equal(dustLimit(p2a()), 240n);
  assert.equal(dustLimit(script(op._16, new Uint8Array(40))), 354n);
  assert.equal(dustLimit(script(op.RETURN, hash32)), 0n);
});

test("opcodes have Core's names", () => {
  assert.equal(opcodeName(op.CHECKSIG), "OP_CHECKSIG");
  assert.equal(opcodeName(0), "OP_0");
  assert.equal(opcodeName(0x4f), "OP_1NEGATE");
  assert.equal(opcodeName(0x51), "OP_1");
  assert.equal(opcodeName(0x60), "OP_16");
  assert.equal(opcodeName(0x6e), "OP_2DUP");
  assert.equal(opcodeName(0xba), "OP_CHECKSIGADD");
  assert.equal(opcodeName(0xfe), "OP_UNKNOWN_254");
});
