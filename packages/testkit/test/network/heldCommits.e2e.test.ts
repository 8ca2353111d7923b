// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { formatNames } from "@fulmen/lightning/commitment";
import { msat } from "@fulmen/lightning/util";
import { TwoHops } from "./twoHops.ts";

// Nothing that rests on an unsaved batch leaves a node: its store stops at each of its batches in turn, and nothing may
// come from it until the store goes on.

const names = ["payer", "forwarder", "payee"];

before(() => {
  installNodeCrypto();
});

/** Pays while the store of a node takes `commits` batches and then no more, until all is at rest. */
function run(hops: TwoHops, index: number, commits: number): { readonly held: boolean } {
  const node = hops.nodes[index] ?? hops.a;
  let committed = 0;
  node.holdsCommits = commits === 0;
  node.onCrashPoint = (_node, { kind }) => {
    if (kind === "after-commit") committed++;
    if (committed === commits) node.holdsCommits = true;
  };
  const sent = (): number => {
    const wires = hops.network.links.flatMap((link) => link.wires);
    return wires.reduce((sum, wire) => (wire.from === node ? sum + wire.sent : sum), 0);
  };
  let atHold: number | undefined;
  const look = (): void => {
    if (!node.holdsCommits || !node.isCommitting) return;
    atHold ??= sent();
    assert.equal(sent(), atHold, `${names[index]} sent something while batch ${commits} was not saved`);
  };
  hops.network.losesConnection = () => {
    look();
    return false;
  };
  let held = false;
  hops.pay(msat(10_000_000n), {
    atRest: () => {
      look();
      held = node.isCommitting;
      node.onCrashPoint = () => {};
      node.holdsCommits = false;
      hops.network.losesConnection = () => false;
      hops.network.settle();
    },
  });
  return { held };
}

for (const format of formatNames) {
  for (const claims of ["claim", "fail"] as const) {
    describe(`a payment over two ${format} channels, ${claims === "claim" ? "claimed" : "rejected"}`, () => {
      for (const [index, name] of names.entries()) {
        it(`the ${name} says nothing of what is not saved, and goes on when it is`, (context) => {
          const hops = new TwoHops({ format, claims });
          let commits = 0;
          while (run(hops, index, commits).held) commits++;
          context.diagnostic(`held back at ${commits} batches`);
          assert.ok(commits >= 5);
        });
      }
    });
  }
}
