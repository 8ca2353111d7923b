import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BlockHeader, type MerkleRoot, targetFromBits } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import type { BlockHash } from "@fulmen/bitcoin/primitives";
import { bitsOfTarget, difficultyComplaint } from "#src/headers/difficulty";

const noHash = "00".repeat(32);
const limit = networks.mainnet.powLimitBits;

function header(time: number, bits: number): BlockHeader {
  const ids = { previous: noHash as BlockHash, merkleRoot: noHash as MerkleRoot };
  return { version: 4, ...ids, time, bits, nonce: 0 };
}

/** A period of which the first and the last header are given. */
function period(first: BlockHeader, last: BlockHeader): (back: number) => BlockHeader | undefined {
  return (back) => (back === 2_016 ? first : back > 2_016 ? undefined : last);
}

describe("the target of a block", () => {
  // The first column says which block of mainnet it is; the others are what Bitcoin Core's tests have for it.
  const retargets = [
    ["2016: no easier than the limit", 1_231_006_505, 1_233_061_996, 0x1d00_ffff, 0x1d00_ffff],
    ["32256", 1_261_130_161, 1_262_152_739, 0x1d00_ffff, 0x1d00_d86a],
    ["68544: four times as hard at most", 1_279_008_237, 1_279_297_671, 0x1c05_a3f4, 0x1c01_68fd],
    ["46368: four times as easy at most", 1_263_163_443, 1_269_211_443, 0x1c38_7f6f, 0x1d00_e1fd],
  ] as const;
  for (const [name, firstTime, lastTime, bits, expected] of retargets) {
    it(`changes every 2,016 blocks: ${name}`, () => {
      const ancestors = period(header(firstTime, bits), header(lastTime, bits));
      const check = (given: number) =>
        difficultyComplaint(header(lastTime + 600, given), 2_016 * 7, ancestors, networks.mainnet);
      assert.equal(check(expected), undefined);
      assert.match(check(expected - 1) ?? "", /its target is/);
    });
  }

  it("stays the same within a period", () => {
    const ancestors = period(header(1, 0x1c05_a3f4), header(2, 0x1c05_a3f4));
    assert.equal(difficultyComplaint(header(3, 0x1c05_a3f4), 5, ancestors, networks.signet), undefined);
    assert.match(difficultyComplaint(header(3, limit), 5, ancestors, networks.mainnet) ?? "", /not 1c05a3f4/);
  });

  it("changes by a factor of four where the period's beginning is not known", () => {
    const last = header(10, 0x1c05_a3f4);
    const ancestors = (back: number) => (back === 1 ? last : undefined);
    const check = (bits: number) => difficultyComplaint(header(11, bits), 4_032, ancestors, networks.mainnet);
    for (const bits of [0x1c01_68fd, 0x1c05_a3f4, 0x1c16_8fd0]) assert.equal(check(bits), undefined);
    for (const bits of [0x1c01_68fc, 0x1c16_8fd1, limit]) assert.match(check(bits) ?? "", /factor of four/);
  });

  it("may be the easiest after twenty minutes on testnets, and only then", () => {
    const hard = 0x1c05_a3f4;
    const lines = [header(1_000, hard), header(3_000, limit)];
    const ancestors = (back: number) => lines.at(-back);
    for (const network of [networks.testnet, networks.testnet4]) {
      const check = (time: number, bits: number) =>
        difficultyComplaint(header(time, bits), 5_000, ancestors, network);
      assert.equal(check(3_000 + 1_201, limit), undefined);
      assert.match(check(3_000 + 1_201, hard) ?? "", /target/);
      // The block before is an easy one: the one before that says what is asked for.
      assert.equal(check(3_000 + 1_200, hard), undefined);
      assert.match(check(3_000 + 1_200, limit) ?? "", /target/);
      const alone = (back: number) => (back === 1 ? lines[1] : undefined);
      assert.equal(difficultyComplaint(header(3_500, hard), 5_000, alone, network), undefined, "not known");
    }
  });

  it("follows from the first block of the period on testnet4 (BIP 94), and time does not jump back", () => {
    const first = header(1_000_000, 0x1c05_a3f4);
    const last = header(1_000_000 + 14 * 86_400, limit);
    const check = (time: number, bits: number) =>
      difficultyComplaint(header(time, bits), 2_016, period(first, last), networks.testnet4);
    assert.equal(check(last.time - 600, 0x1c05_a3f4), undefined);
    assert.match(check(last.time - 601, 0x1c05_a3f4) ?? "", /before that of the block/);
    assert.match(check(last.time, limit) ?? "", /target/);
    const onTestnet = difficultyComplaint(
      header(last.time, limit),
      2_016,
      period(first, last),
      networks.testnet,
    );
    assert.equal(onTestnet, undefined, "testnet goes by the last block");
  });

  it("is always the same on regtest", () => {
    const easy = networks.regtest.powLimitBits;
    const ancestors = period(header(1, easy), header(2, easy));
    assert.equal(difficultyComplaint(header(3, easy), 2_016, ancestors, networks.regtest), undefined);
    assert.match(difficultyComplaint(header(3, limit), 5, ancestors, networks.regtest) ?? "", /target/);
  });
});

it("a target in compact form", () => {
  for (const bits of [
    0x1d00_ffff, 0x1c05_a3f4, 0x207f_ffff, 0x1e03_77ae, 0x0312_3456, 0x0212_3400, 0x0112_0000,
  ]) {
    assert.equal(bitsOfTarget(targetFromBits(bits) ?? 0n).toString(16), bits.toString(16));
  }
  assert.equal(bitsOfTarget(0x80n), 0x0200_8000);
});
