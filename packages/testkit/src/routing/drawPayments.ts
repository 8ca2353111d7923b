import type { NodeId } from "@fulmen/lightning/util";
import { Dice } from "../network/index.ts";
import { logUniform, pick } from "./draws.ts";
import type { GraphDump } from "./graphDump.ts";
import type { HiddenBalances } from "./hiddenBalances.ts";
import { nodeIdAt } from "./loadInto.ts";

export interface SimulatedPayment {
  readonly payee: NodeId;
  /** msat */
  readonly amount: number;
  /** Whether the payee puts parts together (`basic_mpp`). */
  readonly takesParts: boolean;
}

export interface DrawPaymentsOptions {
  readonly seed: number;
  readonly count: number;
  /** sat; each order of magnitude between them is as likely as any other. Default 1,000 and 10,000,000. */
  readonly leastAmount?: number;
  readonly mostAmount?: number;
  /** Whether the payees put parts together; default `true`. */
  readonly takesParts?: boolean;
}

/**
 * Payments to nodes drawn at random, whose peers can send them so much at first, all channels together: nobody asks to
 * be paid what cannot reach him. The amounts are whole sat. Throws when nobody can be paid.
 */
export function drawPayments(
  dump: GraphDump,
  balances: HiddenBalances,
  { seed, count, leastAmount = 1_000, mostAmount = 10_000_000, takesParts = true }: DrawPaymentsOptions,
): readonly SimulatedPayment[] {
  const dice = new Dice(seed);
  const inbound = inboundOf(dump, balances);
  const payable = inbound.flatMap((amount, node) => (amount >= leastAmount * 1000 ? [node] : []));
  const payments: SimulatedPayment[] = [];
  while (payments.length < count) {
    const payee = pick(dice, payable);
    const amount = Math.round(logUniform(dice, leastAmount, mostAmount)) * 1000;
    if (amount <= (inbound[payee] ?? 0)) payments.push({ payee: nodeIdAt(dump, payee), amount, takesParts });
  }
  return payments;
}

/** By node: what its peers can send to it, msat. */
function inboundOf({ nodes, channels }: GraphDump, balances: HiddenBalances): readonly number[] {
  const inbound = nodes.map(() => 0);
  for (const [index, { nodeOne, nodeTwo, oneToTwo, twoToOne }] of channels.entries()) {
    const intoTwo =
      oneToTwo === undefined ? 0 : Math.min(oneToTwo.htlcMaximum, balances.available(2 * index));
    const intoOne =
      twoToOne === undefined ? 0 : Math.min(twoToOne.htlcMaximum, balances.available(2 * index + 1));
    inbound[nodeTwo] = (inbound[nodeTwo] ?? 0) + intoTwo;
    inbound[nodeOne] = (inbound[nodeOne] ?? 0) + intoOne;
  }
  return inbound;
}
