import { Coverage } from "./coverage.ts";
import { type Failure, runScript } from "./run.ts";
import { type Action, actionOf, type ChannelSetup, type NodeSetup, type Script } from "./script.ts";
import { shrinkList } from "./shrink.ts";

const plainNode: NodeSetup = {
  feeBase: 1_000,
  feeMillionths: 0,
  maxAcceptedHtlcs: 50,
  maxInFlightPercent: 100,
  minimumDepth: 1,
  reserveMillionths: 10_000,
  lateWatch: false,
  intercepts: false,
};
const plainChannel: Omit<ChannelSetup, "link" | "opener"> = {
  format: "static-remotekey",
  capacity: 1_000_000,
  pushed: 500,
  announced: true,
};

/** What kind of failure it is: its words, without ids and amounts. */
export function signatureOf({ error }: Failure): string {
  return `${error.name}: ${error.message.replaceAll(/\b[0-9a-f]{8,}\b|\d+/g, "#")}`;
}

/** A script as short and as plain as it gets that fails in the same way. */
export function shrinkScript(script: Script, failure: Failure, isOver: () => boolean): Script {
  const signature = signatureOf(failure);
  const fails = (candidate: Script): boolean => {
    if (isOver()) return false;
    const seen = runScript(candidate, new Coverage());
    return seen !== undefined && signatureOf(seen) === signature;
  };
  let best = script;
  const take = (candidate: Script): boolean => {
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  // What had nothing to do is of no use to anybody.
  take({ ...best, actions: doneBy(script) });
  const shortest = shrinkList(best.actions, (actions) => fails({ ...best, actions }), isOver);
  best = { ...best, actions: shortest };
  for (const channel of best.channels)
    take({ ...best, channels: best.channels.filter((other) => other !== channel) });
  for (const [index, channel] of best.channels.entries())
    take({ ...best, channels: best.channels.with(index, { ...channel, ...plainChannel }) });
  for (const index of best.nodes.keys()) take({ ...best, nodes: best.nodes.with(index, plainNode) });
  for (const [index, action] of best.actions.entries())
    for (const plainer of plainerThan(action)) take({ ...best, actions: best.actions.with(index, plainer) });
  return best;
}

/** The actions that a script comes to, without those that find nothing to do. */
function doneBy(script: Script): readonly Action[] {
  const actions: Action[] = [];
  runScript(script, new Coverage(), (action, done) => {
    if (done) actions.push(action);
  });
  return actions;
}

/** The same action with one parameter at 0. */
function plainerThan(action: Action): readonly Action[] {
  const values = new Map(
    Object.entries(action).filter((entry): entry is [string, number] => entry[0] !== "kind"),
  );
  return [...values]
    .filter(([, value]) => value > 0)
    .map(([zero]) => actionOf(action.kind, (name) => (name === zero ? 0 : (values.get(name) ?? 0))));
}
