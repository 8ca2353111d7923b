import type { Ledger } from "./ledger.ts";
import { type ActionKind, actionKinds } from "./script.ts";
import type { World } from "./world.ts";

/** What some runs have tried. */
export class Coverage {
  runs = 0;
  readonly #actions = new Map<ActionKind, { drawn: number; done: number }>();
  readonly #pairs = new Map<string, number>();
  readonly #payments = new Map<string, number>();
  readonly #endings = new Map<string, number>();

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

  /** Notes what spent the channels, and what became of each HTLC on the chain, as each side saw it. */
  endings(world: World): void {
    for (const { channelId, opener, acceptor } of world.opened) {
      for (const node of [opener, acceptor]) {
        const { fundingSpend, spends } = node.chainMonitor.monitor(channelId)?.chain ?? { spends: [] };
        if (fundingSpend === undefined) continue;
        const { kind } = fundingSpend.spender;
        this.#ended(kind);
        for (const output of fundingSpend.outputs) {
          if (!("htlc" in output) || output.htlc === undefined) continue;
          const { txid, index } = output.outPoint;
          const spend = spends.find(({ outPoint }) => outPoint.txid === txid && outPoint.index === index);
          const how = spend === undefined ? "open" : (spend.output?.kind ?? "the peer's");
          this.#ended(
            `${kind}, ${output.htlc.direction} HTLC: ${how}${spend?.preimage ? " by preimage" : ""}`,
          );
        }
      }
    }
  }

  #ended(how: string): void {
    this.#endings.set(how, (this.#endings.get(how) ?? 0) + 1);
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
    const endings = [...this.#endings]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([how, count]) => `  ${String(count).padStart(8)} ${how}`);
    const payments = [...this.#payments].map(([name, count]) => `${count} ${name}`).join(", ");
    return [
      `${this.runs} runs, ${this.actions} actions; payments: ${payments}`,
      "actions that had something to do:",
      ...kinds,
      `states of channels, opener / acceptor, after each action (${pairs.length} pairs):`,
      ...pairs,
      "what ended channels, and what became of HTLCs then, as each side saw it:",
      ...endings,
    ].join("\n");
  }
}
