import assert from "node:assert/strict";
import type { UserConfig } from "#src/channel/config";
import type { TrampolineStep } from "#src/manager/trampolineTerms";
import type { Path, Router } from "#src/routing/route";
import type { Bytes32 } from "#src/util/bytes";
import type { ChannelId } from "#src/util/ids";
import { type Msat, msat, sat } from "#src/util/units";
import { ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

export const trampolineConfig: UserConfig = { ...testConfig, acceptTrampolineForwards: true };

/** Routes to neighbours only, over all channels that are there, the largest first. */
function toNeighbours(): Router["findRoute"] {
  return ({ parameters, firstHops }) => {
    const { payee, previouslyFailedChannels } = parameters.paymentParameters;
    assert.equal(payee.kind, "clear");
    if (payee.kind !== "clear") return { ok: false, error: { kind: "no-route", text: "blinded" } };
    const { nodeId, finalCltvExpiryDelta: cltvExpiryDelta } = payee;
    if (cltvExpiryDelta > parameters.paymentParameters.maxTotalCltvExpiryDelta) {
      return { ok: false, error: { kind: "no-route", text: "too few blocks" } };
    }
    if (!firstHops.some(({ counterparty }) => counterparty === nodeId)) {
      return { ok: false, error: { kind: "payee-unknown", text: "not a neighbour" } };
    }
    const usable = firstHops.filter(
      ({ counterparty, shortChannelId }) =>
        counterparty === nodeId && !previouslyFailedChannels.includes(shortChannelId),
    );
    const paths: Path[] = [];
    let left: bigint = parameters.finalValue;
    for (const { shortChannelId, maximum } of usable.sort((a, b) => (a.maximum < b.maximum ? 1 : -1))) {
      if (left === 0n) break;
      const fee = msat(left < maximum ? left : maximum);
      paths.push({ hops: [{ nodeId, shortChannelId, fee, cltvExpiryDelta }] });
      left -= fee;
    }
    return left === 0n
      ? { ok: true, value: { paths } }
      : { ok: false, error: { kind: "no-route", text: "too little" } };
  };
}

/**
 * Alice - Bob - Carol - Dave, with a number of channels between two neighbours; none knows more than its neighbours.
 */
export class TrampolineLine {
  readonly net = new ManagerNet();
  readonly alice: ManagerNode;
  readonly bob: ManagerNode;
  readonly carol: ManagerNode;
  readonly dave: ManagerNode;
  readonly channels: readonly ChannelId[];

  constructor(channelsEach = 1, config: UserConfig = trampolineConfig) {
    const { net } = this;
    const nodes = [net.add(config), net.add(config), net.add(config), net.add(config)] as const;
    [this.alice, this.bob, this.carol, this.dave] = nodes;
    const channels: ChannelId[] = [];
    for (const node of nodes) node.findRoute = toNeighbours();
    for (const [a, b] of this.pairs()) {
      net.connect(a, b);
      for (let i = 0; i < channelsEach; i++) channels.push(net.open(a, b, { funding: sat(1_000_000) }));
    }
    this.channels = channels;
  }

  pairs(): readonly (readonly [ManagerNode, ManagerNode])[] {
    const { alice, bob, carol, dave } = this;
    return [
      [alice, bob],
      [bob, carol],
      [carol, dave],
    ];
  }

  /** Alice pays Dave by Bob and Carol. */
  pay(amount: Msat, fee?: Msat, maxFee: Msat = msat(amount / 10n)) {
    const given = fee === undefined ? {} : { fee };
    const steps = [this.bob, this.carol].map(({ nodeId }) => ({ nodeId, ...given }));
    return this.payBy(steps, amount, maxFee);
  }

  /** Alice pays Dave by others. */
  payBy(trampolines: readonly TrampolineStep[], amount: Msat, maxFee: Msat = msat(amount / 10n)) {
    const { invoice, paymentHash } = this.dave.manager.createBolt11Invoice({ amount, description: "test" });
    const paymentId = this.alice.manager.payForBolt11Invoice(invoice, { maxFee, trampolines });
    return { paymentHash, paymentId };
  }

  /** Dave takes what there is. */
  claim(): boolean {
    const [payment] = this.dave.manager.listClaimablePayments();
    return payment !== undefined && this.dave.manager.claimFunds(payment.purpose.paymentPreimage as Bytes32);
  }

  /** Dies without what is not committed, and is back. */
  crash(node: ManagerNode): void {
    node.restart();
    const own = this.pairs().filter((pair) => pair.includes(node));
    for (const [a, b] of own) this.net.disconnect(a, b);
    for (const [a, b] of own) this.net.connect(a, b);
  }

  /** All channels are in use and hold nothing. */
  assertQuiet(): void {
    for (const node of this.net.nodes) {
      const channels = node.manager.listChannels();
      assert.ok(channels.every(({ isUsable }) => isUsable));
      for (const { channelId } of channels) {
        const channel = node.manager.core.channels.funded(channelId);
        assert.deepEqual(channel?.commitments.htlcs, []);
      }
    }
  }
}
