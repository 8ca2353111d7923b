import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import fc from "fast-check";
import * as answers from "#src/electrum/answers";

const hash = "ab".repeat(32);
const header = "00".repeat(80);

/** Each reader with what it must refuse. */
const readers: Readonly<Record<string, readonly [(json: unknown) => unknown, readonly unknown[]]>> = {
  tip: [
    answers.readTip,
    [
      null,
      {},
      { hex: header },
      { hex: "00", height: 1 },
      { hex: header, height: -1 },
      { hex: header, height: 2 ** 31 },
    ],
  ],
  header: [answers.readHeader, [null, "", "zz".repeat(80), header.slice(2), { hex: header }]],
  headers: [
    (json) => answers.readHeaders(json, 2),
    [
      null,
      {},
      { hex: header.slice(2) },
      { hex: header.repeat(3) },
      { headers: [header, header, header] },
      { headers: ["00"] },
    ],
  ],
  history: [
    answers.readHistory,
    [null, {}, [null], [{ tx_hash: "ab", height: 1 }], [{ tx_hash: hash, height: -2 }], [{ tx_hash: hash }]],
  ],
  status: [answers.readStatus, ["", 1, hash.slice(1), hash.toUpperCase()]],
  transaction: [answers.readTransaction, [null, "0", "zz", "00", {}]],
  "merkle proof": [
    answers.readMerkleProof,
    [
      null,
      { pos: 0 },
      { pos: -1, merkle: [] },
      { pos: 0.5, merkle: [] },
      { pos: 0, merkle: Array(18).fill(hash) },
      { pos: 0, merkle: [5] },
    ],
  ],
  "id at a position": [
    (json) => answers.readIdAtPosition(json, 0),
    [null, hash, { tx_hash: hash }, { tx_hash: "x", merkle: [] }],
  ],
  "unspent outputs": [(json) => answers.hasUnspent(json, { txid: hash as never, index: 0 }), [null, {}, "x"]],
};

describe("answers of an Electrum server", () => {
  for (const [what, [read, wrong]] of Object.entries(readers)) {
    it(`are refused when they are no ${what}`, () => {
      for (const json of wrong) {
        assert.throws(
          () => read(json),
          { name: "ChainSourceError", code: "invalid-answer" },
          JSON.stringify(json),
        );
      }
    });

    it(`throw nothing else, whatever is there instead of a ${what}`, () => {
      const almost = fc.record(
        Object.fromEntries(
          ["hex", "height", "headers", "tx_hash", "merkle", "pos", "tx_pos"].map((key) => [
            key,
            fc.jsonValue(),
          ]),
        ),
      );
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), almost, fc.array(almost)), (json) => {
          try {
            read(json);
          } catch (error) {
            assert.ok(error instanceof ChainSourceError, String(error));
          }
        }),
        { seed: 3, numRuns: 100 },
      );
    });
  }

  it("are read", () => {
    assert.equal(answers.readTip({ hex: header, height: 7 }).height, 7);
    assert.equal(answers.readHeaders({ hex: header.repeat(2), count: 2, max: 2016 }, 2).length, 2);
    assert.equal(answers.readHeaders({ headers: [header] }, 2).length, 1);
    assert.deepEqual(
      answers.readHistory([
        { tx_hash: hash, height: 5 },
        { tx_hash: hash, height: 0, fee: 5 },
        { tx_hash: hash, height: -1, fee: 5 },
      ]),
      [
        { txid: hash, height: 5 },
        { txid: hash, height: 0 },
        { txid: hash, height: -1 },
      ],
    );
    assert.equal(answers.readStatus(null), null);
    assert.deepEqual(answers.readMerkleProof({ block_height: 1, merkle: [hash], pos: 1 }), {
      position: 1,
      siblings: [hash],
    });
  });
});
