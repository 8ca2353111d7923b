import { formatNames } from "@fulmen/lightning/commitment";
import { Dice } from "@fulmen/testkit";
import {
  type Action,
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
  "forward-intercepted",
  "deliver",
  "restore",
  "thaw",
  "release-commits",
  "release-updates",
]);

/** What follows when a channel has begun to end: users decide, blocks come, and things go wrong. */
const aftermath: Readonly<Partial<Record<ActionKind, number>>> = {
  claim: 6,
  "fail-back": 1,
  "forward-intercepted": 2,
  "fail-intercepted": 1,
  "mine-many": 6,
  drain: 2,
  settle: 2,
  deliver: 3,
  restore: 2,
  cut: 2,
  pay: 1,
  "crash-at": 1,
  reorg: 2,
  cheat: 1,
};

/**
 * The script of a seed. Each one leaves out some kinds of actions: what is rare among all of them is common in some
 * runs then, and what hides a bug is missing in others.
 */
export function generateScript(seed: number): Script {
  const dice = new Dice(seed);
  const ends = dice.roll(5) < 2;
  const kinds = actionKinds.filter((kind) => always.has(kind) || dice.roll(2) > 0);
  const channels = [0, 1].flatMap((link) =>
    Array.from({ length: 1 + dice.roll(3) }, () => channelOn(link, dice, ends)),
  );
  const nodes = [0, 1, 2].map(() => nodeOf(dice, ends));
  const calm = new Draw(
    dice,
    kinds.filter((kind) => !endingKinds.has(kind)),
  );
  const actions = ends ? endingActions(dice, calm) : calm.actions(50 + dice.roll(500));
  return { seed, ends, channels, nodes, actions };
}

/** Rounds of traffic, each of which ends with payments under way when a channel is closed by force or an old state. */
function endingActions(dice: Dice, calm: Draw): readonly Action[] {
  const after = new Draw(dice, actionKinds, aftermath);
  const rounds = 1 + dice.roll(4);
  return Array.from({ length: rounds }, () => [
    ...calm.actions(dice.roll(40)),
    ...calm.only("restore", 2),
    ...calm.only("remember", dice.roll(3)),
    ...calm.actions(dice.roll(30)),
    ...calm.only("restore", 2),
    ...[1, 2, 3].flatMap(() => [...calm.only("pay", 1 + dice.roll(2)), ...calm.only("settle", dice.roll(3))]),
    ...calm.only(dice.roll(2) === 0 ? "force-close" : "cheat", 1 + dice.roll(2)),
    ...after.actions(3 + dice.roll(15)),
    ...calm.only("open", 1 + dice.roll(2)),
    ...calm.only("restore", 2),
    ...calm.only("settle", 1),
    ...calm.only("mine-many", 1),
  ]).flat();
}

/** Draws actions of some kinds. */
class Draw {
  readonly #dice: Dice;
  readonly #kinds: readonly ActionKind[];
  readonly #weights: readonly number[];

  constructor(
    dice: Dice,
    kinds: readonly ActionKind[],
    weights?: Readonly<Partial<Record<ActionKind, number>>>,
  ) {
    this.#dice = dice;
    this.#kinds = kinds;
    this.#weights = kinds.map(
      (kind) =>
        (weights === undefined ? actionTable[kind].weight : (weights[kind] ?? 0)) * oneOf(dice, [1, 2, 4]),
    );
  }

  actions(count: number): readonly Action[] {
    return Array.from({ length: count }, () => this.#action(pick(this.#dice, this.#kinds, this.#weights)));
  }

  only(kind: ActionKind, count: number): readonly Action[] {
    return Array.from({ length: count }, () => this.#action(kind));
  }

  #action(kind: ActionKind): Action {
    return actionOf(kind, (_name, values) => this.#dice.roll(values));
  }
}

function pick(dice: Dice, kinds: readonly ActionKind[], weights: readonly number[]): ActionKind {
  let left = dice.roll(weights.reduce((sum, weight) => sum + weight, 0));
  for (const [index, kind] of kinds.entries()) {
    left -= weights[index] ?? 0;
    if (left < 0) return kind;
  }
  return "deliver";
}

/** What ends on the chain has room for payments that are no dust. */
function channelOn(link: number, dice: Dice, ends: boolean): ChannelSetup {
  return {
    link,
    opener: dice.roll(2),
    format: oneOf(dice, formatNames),
    capacity: oneOf(dice, ends ? [400_000, 1_000_000, 3_000_000] : [100_000, 400_000, 1_000_000]),
    pushed: oneOf(dice, ends ? [200, 500, 700] : [0, 200, 500, 900]),
    announced: dice.roll(4) > 0,
  };
}

function nodeOf(dice: Dice, ends: boolean): NodeSetup {
  return {
    feeBase: oneOf(dice, [0, 1_000, 1_001]),
    feeMillionths: oneOf(dice, [0, 100, 12_345]),
    maxAcceptedHtlcs: oneOf(dice, ends ? [6, 50] : [2, 6, 50]),
    maxInFlightPercent: oneOf(dice, ends ? [100] : [25, 100]),
    minimumDepth: oneOf(dice, [1, 2, 3]),
    reserveMillionths: oneOf(dice, [10_000, 50_000]),
    lateWatch: dice.roll(3) === 0,
    intercepts: dice.roll(3) === 0,
  };
}

function oneOf<T>(dice: Dice, values: readonly [T, ...T[]] | readonly T[]): T {
  const value = values[dice.roll(values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}
