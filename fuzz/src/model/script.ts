import { type FormatName, formatNames } from "@fulmen/lightning/commitment";

/**
 * Every kind of action: how often it is drawn compared with the others, and its parameters, each with the number of
 * values that it takes. A parameter picks from what is there when the action comes, modulo how many there are: so any
 * subsequence of a script is a script.
 */
export const actionTable = {
  /** One of A, B and C pays one of the others; for `how`, see `pay.ts`. */
  pay: { weight: 16, parameters: { payer: 3, payee: 4, amount: 14, how: 10, channel: 6 } },
  claim: { weight: 7, parameters: { which: 12 } },
  "fail-back": { weight: 3, parameters: { which: 12 } },
  /** The user of a node that intercepts passes an HTLC on, over any channel that leads where it is to go. */
  "forward-intercepted": { weight: 10, parameters: { which: 12, channel: 6 } },
  "fail-intercepted": { weight: 1, parameters: { which: 12 } },
  abandon: { weight: 1, parameters: { which: 12 } },
  /** `count` + 1 messages, one after the other, before the receiver does anything about them. */
  deliver: { weight: 40, parameters: { wire: 12, count: 3 } },
  /** All that is on its way to one node from one other. */
  drain: { weight: 8, parameters: { wire: 12 } },
  settle: { weight: 8, parameters: {} },
  cut: { weight: 2, parameters: { link: 2 } },
  /**
   * A lost connection is made anew; `rounds` of messages go to and fro at once, enough to come to know each other or
   * not.
   */
  restore: { weight: 40, parameters: { link: 2, rounds: 7 } },
  /** `loses` = 1: what had left the node is lost on its way. */
  crash: { weight: 1, parameters: { node: 3, loses: 2 } },
  /** The node dies when it has passed `points` more of its crash points. */
  "crash-at": { weight: 3, parameters: { node: 3, points: 12, loses: 2 } },
  "hold-commits": { weight: 2, parameters: { node: 3 } },
  /** The first batch that is held. */
  commit: { weight: 6, parameters: { which: 6 } },
  "release-commits": { weight: 3, parameters: { which: 6 } },
  /** The monitors of a node that keeps them elsewhere answer no more by themselves. */
  "hold-updates": { weight: 3, parameters: { node: 3 } },
  /** The first held update of one channel. */
  "complete-update": { weight: 10, parameters: { which: 6, channel: 6 } },
  "release-updates": { weight: 3, parameters: { which: 6 } },
  /** The monitors die and come back, and the manager does not notice. */
  "restart-watch": { weight: 1, parameters: { node: 3 } },
  "fail-commit": { weight: 1, parameters: { node: 3 } },
  "lose-answer": { weight: 1, parameters: { node: 3 } },
  thaw: { weight: 8, parameters: {} },
  /** The feerates that one node is told; 0 is the lowest. */
  feerate: { weight: 2, parameters: { node: 3, level: 6 } },
  /** A minute goes by for one node. */
  tick: { weight: 4, parameters: { node: 3 } },
  /** One block; `sees` has a bit for each node that learns of it at once. */
  mine: { weight: 2, parameters: { sees: 8 } },
  sync: { weight: 2, parameters: { node: 3 } },
  /**
   * `refills` = 1: the transactions of the abandoned blocks confirm again at once. `drops` = 1: those that ended
   * channels are forgotten, where channels may end on the chain.
   */
  reorg: { weight: 1, parameters: { depth: 3, refills: 2, sees: 8, drops: 2 } },
  open: { weight: 2, parameters: { link: 2, opener: 2, format: 6, capacity: 3, pushed: 3, announced: 2 } },
  close: { weight: 1, parameters: { channel: 6, closer: 2 } },
  /** From here on: only in runs in which channels may end on the chain. */
  "force-close": { weight: 6, parameters: { channel: 6, closer: 2 } },
  /** Keeps a copy of a node's monitors. */
  remember: { weight: 6, parameters: { node: 3 } },
  /** Publishes what the copy has of a channel, in whatever state it is since. */
  cheat: { weight: 4, parameters: { which: 12 } },
  /** `blocks` + 1 blocks, which all nodes see while all stores work. */
  "mine-many": { weight: 4, parameters: { blocks: 20 } },
} as const satisfies Readonly<Record<string, ActionShape>>;

interface ActionShape {
  readonly weight: number;
  readonly parameters: Readonly<Record<string, number>>;
}

type ActionTable = typeof actionTable;
export type ActionKind = keyof ActionTable;

/** One action: its kind and its parameters, whole numbers from 0. */
export type Action = {
  readonly [K in ActionKind]: { readonly kind: K } & {
    readonly [P in keyof ActionTable[K]["parameters"]]: number;
  };
}[ActionKind];

export const actionKinds: readonly ActionKind[] = Object.keys(actionTable).filter(isActionKind);

/** What is done only where channels may end on the chain. */
export const endingKinds: ReadonlySet<ActionKind> = new Set([
  "force-close",
  "remember",
  "cheat",
  "mine-many",
]);

/** A channel that is open when the actions begin. */
export interface ChannelSetup {
  /** 0: A-B; 1: B-C. */
  readonly link: number;
  /** 0: the first node of the link. */
  readonly opener: number;
  readonly format: FormatName;
  /** In sat. */
  readonly capacity: number;
  /** What the opener gives away, in thousandths. */
  readonly pushed: number;
  readonly announced: boolean;
}

/** How one node is set up; in all else it has the testkit's settings. */
export interface NodeSetup {
  /** In msat. */
  readonly feeBase: number;
  readonly feeMillionths: number;
  readonly maxAcceptedHtlcs: number;
  readonly maxInFlightPercent: number;
  readonly minimumDepth: number;
  readonly reserveMillionths: number;
  /** Whether its monitors are kept elsewhere. */
  readonly lateWatch: boolean;
  /** Whether its user decides about each HTLC that it is to forward. */
  readonly intercepts: boolean;
}

/** All there is to know of a run: the same script is the same run. */
export interface Script {
  readonly seed: number;
  /** Whether channels may end otherwise than in agreement; then blocks come without limit. */
  readonly ends: boolean;
  readonly channels: readonly ChannelSetup[];
  /** Of A, B and C. */
  readonly nodes: readonly NodeSetup[];
  readonly actions: readonly Action[];
}

/**
 * Reads JSON lines: the seed, each channel, each node and each action are a line of their own. Throws `SyntaxError` on
 * what is no script.
 */
export function parseScript(text: string): Script {
  const lines = text.split("\n").filter((line) => line !== "");
  const fields = lines.map((line) => fieldsOf(JSON.parse(line)));
  const all = (name: string): readonly unknown[] =>
    fields.filter((line) => Object.hasOwn(line, name)).map((line) => line[name]);
  return {
    seed: numberOf(all("seed")[0]),
    ends: all("ends")[0] === true,
    channels: all("channel").map(parseChannel),
    nodes: all("node").map(parseNode),
    actions: all("action").map(parseAction),
  };
}

/** What `parseScript` reads. */
export function printScript({ seed, ends, channels, nodes, actions }: Script): string {
  const lines = [
    ends ? { seed, ends } : { seed },
    ...channels.map((channel) => ({ channel })),
    ...nodes.map((node) => ({ node })),
    ...actions.map((action) => ({ action })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function parseChannel(value: unknown): ChannelSetup {
  const { link, opener, format, capacity, pushed, announced } = fieldsOf(value);
  const known = formatNames.find((name) => name === format);
  if (known === undefined) throw new SyntaxError(`no format: ${JSON.stringify(format)}`);
  return {
    link: numberOf(link),
    opener: numberOf(opener),
    format: known,
    capacity: numberOf(capacity),
    pushed: numberOf(pushed),
    announced: announced === true,
  };
}

function parseNode(value: unknown): NodeSetup {
  const fields = fieldsOf(value);
  return {
    feeBase: numberOf(fields["feeBase"]),
    feeMillionths: numberOf(fields["feeMillionths"]),
    maxAcceptedHtlcs: numberOf(fields["maxAcceptedHtlcs"]),
    maxInFlightPercent: numberOf(fields["maxInFlightPercent"]),
    minimumDepth: numberOf(fields["minimumDepth"]),
    reserveMillionths: numberOf(fields["reserveMillionths"]),
    lateWatch: fields["lateWatch"] === true,
    intercepts: fields["intercepts"] === true,
  };
}

function parseAction(value: unknown): Action {
  const { kind, ...parameters } = fieldsOf(value);
  if (typeof kind !== "string" || !isActionKind(kind)) throw new SyntaxError(`no action: ${String(kind)}`);
  // What older scripts do not say is 0.
  return actionOf(kind, (name) => numberOf(parameters[name] ?? 0));
}

/** An action whose parameters `parameter` gives. */
export function actionOf(kind: ActionKind, parameter: (name: string, values: number) => number): Action {
  const { parameters } = actionTable[kind];
  const values = Object.entries(parameters).map(([name, range]) => [name, parameter(name, range)]);
  return { kind, ...Object.fromEntries(values) };
}

function isActionKind(kind: string): kind is ActionKind {
  return Object.hasOwn(actionTable, kind);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new SyntaxError("an object is missing");
  return { ...value };
}

function numberOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new SyntaxError(`no whole number: ${JSON.stringify(value)}`);
  return value;
}
