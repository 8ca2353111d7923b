import { formatNames } from "@fulmen/lightning/commitment";
import { Dice } from "@fulmen/testkit";
import {
  type ActionKind,
  actionKinds,
  actionOf,
  actionTable,
  type ChannelSetup,
  endingKinds,
  type NodeSetup,
  type Script,
} from "./script.ts";

/** Without these, nothing much happens. */
const always: ReadonlySet<ActionKind> = new Set([
  "pay",
  "claim",
  "deliver",
  "restore",
  "thaw",
  "release-commits",
  "release-updates",
]);

/**
 * The script of a seed. Each one leaves out some kinds of actions: what is rare among all of them is common in some
 * runs then, and what hides a bug is missing in others.
 */
export function generateScript(seed: number): Script {
  const dice = new Dice(seed);
  const ends = dice.roll(5) === 0;
  const kinds = actionKinds
    .filter((kind) => always.has(kind) || dice.roll(2) > 0)
    .filter((kind) => ends || !endingKinds.has(kind));
  const weights = kinds.map((kind) => actionTable[kind].weight * oneOf(dice, [1, 2, 4]));
  const channels = [0, 1].flatMap((link) =>
    Array.from({ length: 1 + dice.roll(3) }, () => channelOn(link, dice)),
  );
  const nodes = [0, 1, 2].map(() => nodeOf(dice));
  const length = 50 + dice.roll(500);
  const actions = Array.from({ length }, () =>
    actionOf(pick(dice, kinds, weights), (_name, values) => dice.roll(values)),
  );
  return { seed, ends, channels, nodes, actions };
}

function pick(dice: Dice, kinds: readonly ActionKind[], weights: readonly number[]): ActionKind {
  let left = dice.roll(weights.reduce((sum, weight) => sum + weight, 0));
  for (const [index, kind] of kinds.entries()) {
    left -= weights[index] ?? 0;
    if (left < 0) return kind;
  }
  return "deliver";
}

function channelOn(link: number, dice: Dice): ChannelSetup {
  return {
    link,
    opener: dice.roll(2),
    format: oneOf(dice, formatNames),
    capacity: oneOf(dice, [100_000, 400_000, 1_000_000]),
    pushed: oneOf(dice, [0, 200, 500, 900]),
    announced: dice.roll(4) > 0,
  };
}

function nodeOf(dice: Dice): NodeSetup {
  return {
    feeBase: oneOf(dice, [0, 1_000, 1_001]),
    feeMillionths: oneOf(dice, [0, 100, 12_345]),
    maxAcceptedHtlcs: oneOf(dice, [2, 6, 50]),
    maxInFlightPercent: oneOf(dice, [25, 100]),
    minimumDepth: oneOf(dice, [1, 2, 3]),
    reserveMillionths: oneOf(dice, [10_000, 50_000]),
    lateWatch: dice.roll(3) === 0,
  };
}

function oneOf<T>(dice: Dice, values: readonly [T, ...T[]] | readonly T[]): T {
  const value = values[dice.roll(values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}
