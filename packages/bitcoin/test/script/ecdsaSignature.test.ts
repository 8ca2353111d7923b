import assert from "node:assert/strict";
import { test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { concatBytes, fromHex, toHex } from "@fulmen/bitcoin/primitives";
import {
  compactFromDer,
  decodeTypedSignature,
  derFromCompact,
  encodeTypedSignature,
  isLowS,
  isStrictDer,
} from "@fulmen/bitcoin/script";
import { BitcoinDecodeError } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { bitcore } from "../bitcore.ts";
import { bytes32 } from "../generated.ts";

/** 32 bytes with up to 31 zeros in front. */
const integers = fc.tuple(bytes32, fc.nat({ max: 31 })).map(([bytes, zeros]) => bytes.fill(0, 0, zeros));
const compacts = fc.tuple(integers, integers).map(([r, s]) => concatBytes(r, s));

test("compact to DER and back, as bitcore encodes it", () => {
  const property = fc.property(compacts, (compact) => {
    const der = derFromCompact(compact);
    assert.deepEqual(compactFromDer(der), compact);
    const theirs = bitcore.crypto.Signature.fromDER(Buffer.from(der));
    assert.equal(toHex(der), theirs.toDER().toString("hex"));
    assert.equal(bitcore.crypto.Signature.isTxDER(Buffer.from([...der, 1])), true);
  });
  fc.assert(property, { seed: 7, numRuns: 300 });
});

test("any byte string is strict DER for us exactly when it is for bitcore", () => {
  const base = fromHex(
    "304402203da9d487be5302a6d69e02a861acff1da472885e43d7528ed9b1b537a8e2cac9022002d1bca03a1e9715a99971bafe3b1852b7a4f0168281cbd27a220380a01b3307",
  );
  assert.equal(isStrictDer(base), true);
  const edits = fc.array(fc.tuple(fc.nat({ max: base.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 });
  const edited = fc.tuple(edits, fc.nat({ max: 3 })).map(([changes, cut]) => {
    const bytes = base.slice(0, base.length - cut);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const property = fc.property(
    fc.oneof(edited, compacts.map(derFromCompact), fc.uint8Array({ maxLength: 74 })),
    (bytes) => {
      assert.equal(isStrictDer(bytes), bitcore.crypto.Signature.isTxDER(Buffer.from([...bytes, 1])));
      if (!isStrictDer(bytes)) assert.throws(() => compactFromDer(bytes), BitcoinDecodeError);
    },
  );
  fc.assert(property, { seed: 8, numRuns: 1000 });
});

test("refuses strict DER with an integer over 32 bytes", () => {
  const long = Uint8Array.of(0x30, 38, 0x02, 33, 1, ...new Uint8Array(32), 0x02, 1, 1);
  assert.equal(isStrictDer(long), true);
  assert.throws(() => compactFromDer(long), /over 32 bytes/);
});

test("cut off at any byte is refused", () => {
  const typed = encodeTypedSignature({
    signature: crypto().ecdsaSign(new Uint8Array(32), new Uint8Array(32).fill(1)),
    sighashType: 0x83,
  });
  assert.equal(decodeTypedSignature(typed).sighashType, 0x83);
  assert.deepEqual(encodeTypedSignature(decodeTypedSignature(typed)), typed);
  for (let length = 0; length < typed.length; length++) {
    assert.throws(() => decodeTypedSignature(typed.subarray(0, length)), BitcoinDecodeError);
  }
});

test("low S is at most half the group order", () => {
  const half = fromHex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
  const r = new Uint8Array(32).fill(1);
  assert.equal(isLowS(concatBytes(r, half)), true);
  const above = Uint8Array.from(half);
  above[31] = 0xa1;
  assert.equal(isLowS(concatBytes(r, above)), false);
  assert.equal(isLowS(concatBytes(r, new Uint8Array(32))), true);
});
