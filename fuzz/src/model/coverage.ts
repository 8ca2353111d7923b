import type { Ledger } from "./ledger.ts";
import { type ActionKind, actionKinds } from "./script.ts";
import type { World } from "./world.ts";

/** What some runs have tried. */
export class Coverage {
  runs = 0;
  readonly #actions = new Map<ActionKind, { drawn: number; done: number }>();
  readonly #pairs = new Map<string, number>();
  readonly #payments = new Map<string, number>();

  /** An action came; `done` unless there was nothing for it to do. */
  action(kind: ActionKind, done: boolean): void {
    const counts = this.#actions.get(kind) ?? { drawn: 0, done: 0 };
    this.#actions.set(kind, counts);
    counts.drawn++;
    if (done) counts.done++;
  }

  /** Kinds of actions that never had anything to do. */
  get idleKinds(): readonly ActionKind[] {
    return actionKinds.filter((kind) => (this.#actions.get(kind)?.done ?? 0) === 0);
  }

  get actions(): number {
    return [...this.#actions.values()].reduce((sum, { drawn }) => sum + drawn, 0);
  }

  /** Notes the states of both ends of every channel. */
  states(world: World): void {
    for (const { channelId, opener, acceptor } of world.opened) {
      const pair = `${world.stateOf(opener, channelId)} / ${world.stateOf(acceptor, channelId)}`;
      this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1);
    }
  }

  payments(counts: Ledger["counts"]): void {
    for (const [name, count] of Object.entries(counts))
      this.#payments.set(name, (this.#payments.get(name) ?? 0) + count);
  }

  /** Several lines, for people to read. */
  report(): string {
    const kinds = actionKinds.map((kind) => {
      const { drawn, done } = this.#actions.get(kind) ?? { drawn: 0, done: 0 };
      return `  ${kind.padEnd(16)} ${String(done).padStart(8)} of ${String(drawn).padStart(8)}`;
    });
    const pairs = [...this.#pairs]
      .sort(([, one], [, other]) => other - one)
      .map(([pair, count]) => `  ${String(count).padStart(8)} ${pair}`);
    const payments = [...this.#payments].map(([name, count]) => `${count} ${name}`).join(", ");
    return [
      `${this.runs} runs, ${this.actions} actions; payments: ${payments}`,
      "actions that had something to do:",
      ...kinds,
      `states of channels, opener / acceptor, after each action (${pairs.length} pairs):`,
      ...pairs,
    ].join("\n");
  }
}
