import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { encodeBlock } from "@fulmen/bitcoin/block";
import { decodeTransaction } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { chainPositionKey, exportMonitor, monitorPrefix, readChainPosition } from "@fulmen/lightning/storage";
import { msat, present, sat, sum } from "@fulmen/lightning/util";
import type { ChainBlock } from "@fulmen/testkit/chain";
import { TestNetwork } from "@fulmen/testkit/network";
import { publishOldCommitment } from "../cheater.ts";
import { run } from "../example.ts";
import type { FromTower } from "../protocol.ts";
import { Watchtower } from "../watchtower.ts";

before(() => {
  installNodeCrypto();
});

describe("the example of a watchtower", () => {
  it("leaves all of the channel to the one who was cheated, to the satoshi", async () => {
    const lines: string[] = [];
    const { capacity, owed, alice, anchors, fees, secured, processes } = await run((line) =>
      lines.push(line),
    );
    assert.equal(capacity, 1_000_000n);
    assert.equal(owed.byOldCommitment, 600_000n);
    assert.equal(owed.before, 890_000n);
    assert.deepEqual(anchors, [330n, 330n]);
    assert.equal(sum([alice, ...anchors, fees.commitment, fees.penalties, fees.sweep]), capacity);
    // The tower hands over before the node sweeps.
    assert.equal(secured, alice + fees.sweep);
    assert.ok(alice > 990_000n);
    assert.equal(new Set(processes).size, 3);
    assert.ok(lines.some((line) => line.includes("a commitment that the peer had revoked")));
  });
});

/** A channel of Alice's with an HTLC pending, a tower that has seen it to the tip, and Bob's revoked past. */
function watched() {
  const network = new TestNetwork();
  const [alice, bob] = [network.addNode(), network.addNode()];
  network.connect(alice, bob);
  const channelId = network.openChannel(alice, bob, { funding: sat(1_000_000), push: msat(300_000_000) });
  const backup = bob.store.entries(monitorPrefix(channelId));
  network.claims(bob, "hold");
  network.payInvoice(alice, bob, msat(60_000_000));
  const position = readChainPosition(present(alice.store.readNow(chainPositionKey), "a place in the chain"));
  assert.ok(position.ok);
  const entries = alice.store.entries(monitorPrefix(channelId));
  const exported = exportMonitor({ channelId, position: position.value, entries });
  const tower = new Watchtower(seedBytes(1), exported);
  return { chain: network.chain, backup, exported, tower };
}

function seedBytes(seed: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31] = seed;
  return bytes;
}

function give(tower: Watchtower, blocks: readonly ChainBlock[]): readonly FromTower[] {
  return blocks.map(({ block }) => tower.answer({ kind: "block", bytes: encodeBlock(block) }));
}

function broadcastsOf(answers: readonly FromTower[]): readonly Uint8Array[] {
  return answers.flatMap((answer) => {
    assert.ok(answer.kind === "watching", answer.kind === "refused" ? answer.text : "");
    return answer.broadcasts.map(({ transaction }) => transaction);
  });
}

describe("a tower", () => {
  it("publishes nothing by itself, though an HTLC runs into its deadline: its copy may be old", () => {
    const { chain, tower } = watched();
    const answers = give(tower, chain.mine(200));
    assert.deepEqual(broadcastsOf(answers), []);
    const last = answers.at(-1);
    assert.ok(last?.kind === "watching" && last.timeline.some((line) => line.includes("waits for a block")));
  });

  it("punishes again after a reorganisation that took the theft back and brought it again", () => {
    const { chain, backup, tower } = watched();
    publishOldCommitment(seedBytes(2), backup, chain);
    assert.ok(broadcastsOf(give(tower, chain.mine())).length > 0);
    const { height } = chain.tip;
    const { forkPoint, connected } = chain.reorg(1, { length: 2 });
    const back = tower.answer({ kind: "disconnected", height: forkPoint.height });
    assert.ok(back.kind === "watching" && back.height === height - 1 && back.broadcasts.length === 0);
    assert.deepEqual(broadcastsOf(give(tower, connected)), []);
    const penalties = broadcastsOf(give(tower, chain.mine())).map(decodeTransaction);
    assert.ok(penalties.length > 0);
    for (const penalty of penalties) assert.ok(chain.submit(penalty).ok);
  });

  it("takes no block that is damaged, without work, out of order or not there to be left", () => {
    const { chain, tower } = watched();
    const [first, second] = chain.mine(2);
    assert.ok(first !== undefined && second !== undefined);
    const bytes = encodeBlock(first.block);
    const { header } = first.block;
    const refusals: readonly (readonly [RegExp, Uint8Array])[] = [
      [/no whole block/, bytes.subarray(1)],
      [/no whole block/, bytes.with(bytes.length - 6, 0x55)],
      [/no proof of work/, encodeBlock({ ...first.block, header: { ...header, bits: 0x1d00_ffff } })],
      [/does not follow/, encodeBlock(second.block)],
    ];
    for (const [text, block] of refusals) {
      const answer = tower.answer({ kind: "block", bytes: block });
      assert.ok(answer.kind === "refused");
      assert.match(answer.text, text);
    }
    for (const height of [first.height, first.height - 100, -1]) {
      assert.equal(tower.answer({ kind: "disconnected", height }).kind, "refused");
    }
    assert.equal(give(tower, [first, second]).at(-1)?.kind, "watching");
  });

  it("takes no export that is damaged", () => {
    const { exported } = watched();
    assert.throws(
      () => new Watchtower(seedBytes(1), exported.with(100, (exported[100] ?? 0) ^ 1)),
      /checksum/,
    );
  });
});
