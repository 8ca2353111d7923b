import type { Coverage } from "./coverage.ts";
import { heal, healEnds } from "./heal.ts";
import { perform } from "./perform.ts";
import type { Action, Script } from "./script.ts";
import { World } from "./world.ts";

/** What went wrong in a run. */
export interface Failure {
  /** The action after which it was seen, or `undefined` when all of them had passed. */
  readonly at: number | undefined;
  readonly error: Error;
}

/** Told of each action, and whether there was anything for it to do. */
export type OnAction = (action: Action, done: boolean) => void;

/** Runs a script, heals all that it broke, and checks the books; `undefined` when all is well. */
export function runScript(
  script: Script,
  coverage: Coverage,
  onAction: OnAction = () => {},
): Failure | undefined {
  let at: number | undefined;
  try {
    const world = new World(script);
    for (const [index, action] of script.actions.entries()) {
      at = index;
      let done = true;
      try {
        done = perform(world, action);
      } finally {
        onAction(action, done);
      }
      coverage.action(action.kind, done);
      if (done) coverage.states(world);
    }
    at = undefined;
    if (script.ends) healEnds(world);
    else heal(world);
    coverage.payments(world.ledger.counts);
    coverage.endings(world);
    return undefined;
  } catch (error) {
    return { at, error: error instanceof Error ? error : new Error(String(error)) };
  }
}
