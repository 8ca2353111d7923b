// timeout: 300 s
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type FormatName, formatNames } from "@fulmen/lightning/commitment";
import { type Bytes32, type ChannelId, msat, present, sat } from "@fulmen/lightning/util";
import { TestNetwork, type TestNode } from "@fulmen/testkit";
import { Cheater } from "./cheater.ts";

// B forwards from A to C. A neighbour revokes a commitment, and has it confirmed before B could store that it is
// revoked. What follows from the revocation comes out of B later: it must not cost B anything by then.

before(() => {
  installNodeCrypto();
});

const amount = 90_000n;
/** What B may spend on fees. */
const fees = 25_000n;

/** Why B does not know durably what it was told: its store, or its `Watch`. */
type Cause = "fails" | "loses-answer" | "late watch";

class Three {
  readonly network = new TestNetwork();
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
  readonly ab: ChannelId;
  readonly bc: ChannelId;
  readonly #cause: Cause;
  readonly #had: bigint;
  preimage: Bytes32 | undefined;

  constructor(format: FormatName, cause: Cause) {
    const { network } = this;
    this.#cause = cause;
    this.a = network.addNode();
    this.b = network.addNode({ hasLateWatch: cause === "late watch" });
    this.c = network.addNode({
      onEvent: (_node, event) => {
        if (event.kind === "payment-claimable") this.preimage = event.purpose.paymentPreimage as Bytes32;
      },
    });
    network.connect(this.a, this.b);
    network.connect(this.b, this.c);
    const terms = { funding: sat(1_000_000n), push: msat(400_000_000n), format };
    this.ab = network.openChannel(this.a, this.b, terms);
    this.bc = network.openChannel(this.b, this.c, terms);
    network.giveCoins([this.a, this.b, this.c], sat(200_000n));
    network.claims(this.c, "hold");
    this.#had = this.wealth;
  }

  /** What B has, in channels and on the chain. */
  get wealth(): bigint {
    const { b, network } = this;
    const open = b.manager.listChannels().filter(({ state }) => state !== "closing");
    const local = open.reduce((sum, { localBalance }) => sum + localBalance / 1_000n, 0n);
    const scripts = [b.wallet.script, b.keys.destinationScript(new Uint8Array(32)), b.keys.shutdownScript()];
    const coins = new Map(
      scripts.flatMap((script) =>
        network.chain
          .coins(script)
          .map(({ outPoint, output }) => [`${outPoint.txid}:${outPoint.index}`, output.value]),
      ),
    );
    return [...coins.values()].reduce<bigint>((sum, value) => sum + value, local);
  }

  order(): void {
    const { invoice } = this.c.manager.createBolt11Invoice({
      amount: msat(amount * 1_000n),
      description: "test",
    });
    this.a.manager.payForBolt11Invoice(invoice);
  }

  /** Goes on until B has heard that `peer` revoked its commitment of the moment; from then on, B cannot store it. */
  untilRevoked(channelId: ChannelId): void {
    const { network, b } = this;
    const number = (): number =>
      present(b.manager.core.channels.funded(channelId), "a channel of B's").commitments.remoteNumber;
    const current = number();
    network.until(() => number() > current);
    if (this.#cause === "late watch") b.holdsUpdates = true;
    else b.storeFault = this.#cause;
    network.pump(b);
    assert.equal(b.isFrozen, this.#cause !== "late watch");
    // A host whose store fails disconnects its peers.
    if (b.isFrozen) this.#cutAll(false);
  }

  /** B goes on: with what it has in memory, or, when it dies, with what its store has. */
  goOn(dies: boolean): void {
    const { b, network } = this;
    b.holdsUpdates = false;
    if (dies) network.crash(b);
    b.thaw();
    this.#cutAll(true);
    network.settle();
  }

  #cutAll(reconnects: boolean): void {
    for (const link of this.network.links) {
      link.reconnects = reconnects;
      if (!reconnects) this.network.cut(link);
    }
  }

  /** Blocks, which all see. */
  mine(count: number, cheater: Cheater): void {
    for (let i = 0; i < count; i++) {
      this.network.mine();
      cheater.sync();
    }
  }

  check(): void {
    const { b, a, c } = this;
    const had = this.#had - fees;
    assert.ok(this.wealth >= had, `B has ${this.wealth} sat, and had ${this.#had}`);
    for (const node of [a, b, c]) {
      assert.deepEqual(node.keys.memory.violations, []);
      const errors = node.log.filter(({ level }) => level === "error");
      assert.deepEqual(
        errors.map(({ text }) => text),
        [],
      );
    }
  }
}

for (const format of formatNames) {
  for (const cause of ["fails", "loses-answer", "late watch"] as const) {
    describe(`a revocation that is not stored (${cause}) when its commitment confirms, ${format}`, () => {
      for (const dies of [false, true]) {
        const then = dies ? "after a restart" : "later";
        for (const claimed of ["before", "after"] as const) {
          it(`downstream: a failed HTLC that is claimed on the chain ${claimed} that costs nothing ${then}`, () => {
            const test = new Three(format, cause);
            const { network, c } = test;
            test.order();
            network.settle();
            const cheater = new Cheater(network, c, test.bc);
            const preimage = present(test.preimage, "the preimage");
            const { paymentHash } = present(c.manager.listClaimablePayments()[0], "a payment");
            c.manager.failHtlcBackwards(paymentHash);
            test.untilRevoked(test.bc);
            cheater.publish();
            test.mine(1, cheater);
            const claim = { kind: "payment-preimage", paymentHash, preimage, parts: [] } as const;
            if (claimed === "before") {
              cheater.tell(claim);
              test.mine(3, cheater);
              test.goOn(dies);
            } else {
              test.goOn(dies);
              cheater.tell(claim);
            }
            test.mine(30, cheater);
            test.check();
          });
        }

        it(`upstream: an HTLC is not forwarded ${then} that nobody pays for`, () => {
          const test = new Three(format, cause);
          const { network, a, c } = test;
          const cheater = new Cheater(network, a, test.ab);
          network.claims(c, "claim");
          test.order();
          test.untilRevoked(test.ab);
          cheater.publish();
          test.mine(1, cheater);
          test.goOn(dies);
          test.mine(30, cheater);
          test.check();
        });
      }
    });
  }
}
