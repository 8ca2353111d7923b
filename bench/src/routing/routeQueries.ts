import type { NodeId } from "@fulmen/lightning/util";
import { Dice } from "@fulmen/testkit/network";
import type { GraphDump } from "@fulmen/testkit/routing";
import { nodeIdAt } from "@fulmen/testkit/routing";

/** A payment that a route is wanted for, the same for both sides. */
export interface RouteQuery {
  /** The payer's one peer: its channel to it is not in the graph, and large enough. */
  readonly peer: NodeId;
  readonly payee: NodeId;
  readonly amountMsat: number;
}

/** What a side found for one query. */
export interface RouteAnswer {
  readonly milliseconds: number;
  /** Absent when no route was found. */
  readonly feeMsat?: number;
  readonly parts?: number;
}

/** The payer's own id: a key that no node of a graph has. */
export const payerId = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c" as NodeId;
/** What the payer's channel can carry. */
export const firstHopMsat = 10_000_000_000;
export const finalCltvExpiryDelta = 42;

/** Amounts are spread evenly over the orders of magnitude from 100 sat to 1,000,000 sat. */
const smallestMsat = 100_000;
const magnitudes = 4;

/** `count` queries between any nodes of which one can be left, and the other reached, by some channel. */
export function routeQueries(dump: GraphDump, seed: number, count: number): readonly RouteQuery[] {
  const left = new Set<number>();
  const reached = new Set<number>();
  for (const { nodeOne, nodeTwo, oneToTwo, twoToOne } of dump.channels) {
    if (oneToTwo !== undefined) {
      left.add(nodeOne);
      reached.add(nodeTwo);
    }
    if (twoToOne !== undefined) {
      left.add(nodeTwo);
      reached.add(nodeOne);
    }
  }
  const peers = [...left];
  const payees = [...reached];
  const dice = new Dice(seed);
  const queries: RouteQuery[] = [];
  while (queries.length < count) {
    const peer = peers[dice.roll(peers.length)] ?? 0;
    const payee = payees[dice.roll(payees.length)] ?? 0;
    const amountMsat = Math.round(smallestMsat * 10 ** ((magnitudes * dice.roll(1_000)) / 1_000));
    if (peer !== payee)
      queries.push({ peer: nodeIdAt(dump, peer), payee: nodeIdAt(dump, payee), amountMsat });
  }
  return queries;
}

/** Answers `queries` by tens, from the first on again when all are answered: one call is one turn. */
export function inTens(
  queries: readonly RouteQuery[],
  answer: (query: RouteQuery) => RouteAnswer,
): () => Promise<readonly RouteAnswer[]> {
  let next = 0;
  return async () => {
    const turn = queries.slice(next, next + queriesPerTurn);
    next = (next + queriesPerTurn) % queries.length;
    const answers: RouteAnswer[] = [];
    for (const query of turn) {
      answers.push(answer(query));
      // LDK's bindings free what is no longer used between turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return answers;
  };
}

export const queriesPerTurn = 10;
export const queryCount = 100;
export const querySeed = 7;
