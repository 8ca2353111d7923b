// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { msat } from "@fulmen/lightning/util";
import type { StoreFault, TestNode } from "@fulmen/testkit";
import { TwoHops } from "./twoHops.ts";

// A node's signers answer late, and its store fails at each of its batches in turn. Whenever the answers come, before
// the peers are gone, while they are, or when they are back, the payment ends once and no channel is lost.

const names = ["payer", "forwarder", "payee"];
const moments = ["before the freeze", "during it", "after it"] as const;

before(() => {
  installNodeCrypto();
});

interface Case {
  readonly fault: StoreFault;
  readonly moment: (typeof moments)[number];
}

/** What a remote signer has worked out, on its way back. It counts as signed when it was of use. */
function onItsWay(node: TestNode): () => readonly boolean[] {
  const held = node.manager.listSigningRequests().flatMap(({ channelId, channelKeysId, request }) => {
    const answer = node.keys.keys.deriveChannelSigner(channelKeysId).sign(request);
    return answer === undefined ? [] : [{ channelId, channelKeysId, request, answer }];
  });
  return () =>
    held.map(({ channelId, channelKeysId, request, answer }) => {
      const isTaken = node.manager.signerAnswered(channelId, request, answer);
      if (isTaken) node.keys.deriveChannelSigner(channelKeysId).answer(request);
      return isTaken;
    });
}

/** Pays while the store of a node fails at its `commits`th batch. Whether it came to that. */
function run(format: (typeof formatNames)[number], index: number, commits: number, { fault, moment }: Case) {
  const hops = new TwoHops({ format, claims: commits % 2 === 0 ? "claim" : "fail" });
  const { network } = hops;
  const node = hops.nodes[index] ?? hops.a;
  node.keys.answersLate = true;
  let committed = 0;
  if (commits === 0) node.storeFault = fault;
  node.onCrashPoint = (_node, { kind }) => {
    if (kind === "after-commit" && ++committed === commits) node.storeFault = fault;
  };
  const goOn = (): void => {
    network.settle();
    while (!node.isFrozen && node.answerSigners()) network.settle();
  };
  let froze = false;
  hops.pay(msat(10_000_000n), {
    mayFail: true,
    atRest: () => {
      goOn();
      if (!node.isFrozen) return;
      froze = true;
      const answer = onItsWay(node);
      if (moment === "before the freeze") answer();
      // What a host does whose store fails.
      for (const link of network.links.filter((one) => one.joins(node))) {
        link.reconnects = false;
        network.cut(link);
      }
      if (moment === "during it") assert.ok(answer().every((isTaken) => !isTaken));
      network.mine();
      node.thaw();
      for (const link of network.links) link.reconnects = true;
      network.settle();
      if (moment === "after it") answer();
      goOn();
    },
  });
  node.keys.answersLate = false;
  return froze;
}

for (const [row, format] of formatNames.entries()) {
  describe(`a frozen store and signers that are late, ${format}`, () => {
    for (const [index, name] of names.entries()) {
      // All of them in one format; in the others, each node has one.
      for (const moment of row === 0 ? moments : [moments[(row + index) % 3] ?? "after it"]) {
        it(`the ${name}'s signers answer ${moment}`, (context) => {
          const fault = moment === "during it" ? "loses-answer" : "fails";
          let commits = 0;
          while (run(format, index, commits, { fault, moment })) commits++;
          context.diagnostic(`frozen at ${commits} batches`);
          assert.ok(commits >= 5);
        });
      }
    }
  });
}
