import type { BroadcasterInterface, ClaimId, CoinSelectionSource } from "@fulmen/lightning/chain";
import { type Logger, type LogRecord, withPrintableText } from "@fulmen/lightning/handlers";
import {
  type BumpOutcome,
  type BumpTransactionEvent,
  bumpSteps,
  SentBumps,
  textOfBumpRefusal,
} from "@fulmen/lightning/onchain";
import type { OutputSpendSigner } from "@fulmen/lightning/sign";
import { messageOf } from "@fulmen/lightning/util";

export interface BumpTransactionHandlerOptions {
  /** Whose coins pay: the default is `Wallet` of `@fulmen/wallet`. */
  readonly coins: CoinSelectionSource;
  readonly signerProvider: { deriveChannelSigner(channelKeysId: Uint8Array): OutputSpendSigner };
  readonly broadcaster: BroadcasterInterface;
  readonly logger: Logger;
}

/** A claim that is being answered. */
interface Running {
  /** The newest event that came meanwhile. */
  next?: BumpTransactionEvent | undefined;
  done: Promise<void>;
}

/**
 * Gets commitments and HTLC transactions confirmed that cannot pay for it themselves, with coins of a wallet. Events of
 * one claim are answered one after the other, those of different claims side by side. Nothing is thrown: an event
 * that was not answered comes again with the next block, whatever the wallet did.
 *
 * @ldk lightning::events::bump_transaction::BumpTransactionEventHandler
 */
export class BumpTransactionHandler {
  readonly #options: BumpTransactionHandlerOptions;
  readonly #sent = new SentBumps();
  readonly #running = new Map<ClaimId, Running>();

  constructor(options: BumpTransactionHandlerOptions) {
    this.#options = { ...options, logger: withPrintableText(options.logger) };
  }

  /**
   * Answers what `ChainMonitor.takeBumpEvents` gave. Before each broadcast `saved` is to make durable what the wallet
   * wants to remember of it. Resolves when all of this is done.
   */
  async handle(
    events: readonly BumpTransactionEvent[],
    saved: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    await Promise.all(events.map((event) => this.#begin(event, saved)));
  }

  /** Tells the wallet which claims are not settled yet: `ChainMonitor.unsettledClaims`, and their parts. */
  async retain(claimIds: readonly ClaimId[]): Promise<void> {
    const kept = this.#sent.retain(claimIds);
    try {
      await this.#options.coins.retainClaims?.(kept);
    } catch (error) {
      this.#options.logger.log({ level: "warn", module: "bump", text: messageOf(error) });
    }
  }

  #begin(event: BumpTransactionEvent, saved: () => Promise<void>): Promise<void> {
    const running = this.#running.get(event.claimId);
    if (running !== undefined) {
      this.#log(event, "info", "the wallet has not answered yet");
      running.next = event;
      return running.done;
    }
    const begun: Running = { done: Promise.resolve() };
    this.#running.set(event.claimId, begun);
    begun.done = this.#run(begun, event, saved);
    return begun.done;
  }

  async #run(running: Running, first: BumpTransactionEvent, saved: () => Promise<void>): Promise<void> {
    let event: BumpTransactionEvent | undefined = first;
    while (event !== undefined) {
      try {
        await this.#answer(event, saved);
      } catch (error) {
        this.#log(event, "error", messageOf(error));
      }
      event = running.next;
      running.next = undefined;
    }
    this.#running.delete(first.claimId);
  }

  /** Whether anything was broadcast. */
  async #answer(event: BumpTransactionEvent, saved: () => Promise<void>): Promise<boolean> {
    const { broadcaster } = this.#options;
    const outcome = await this.#outcomeOf(event);
    this.#sent.note(event.claimId, outcome);
    switch (outcome.kind) {
      case "broadcast":
        if (outcome.refusal !== undefined) {
          this.#log(event, "warn", `pays less: ${textOfBumpRefusal(outcome.refusal)}`);
        }
        await saved();
        broadcaster.broadcastTransactions(outcome.transactions, outcome.type);
        return true;
      case "split": {
        const { parts, refusal } = outcome;
        if (refusal !== undefined) this.#log(event, "info", `in parts: ${textOfBumpRefusal(refusal)}`);
        // A wallet that is too poor for the first part is for the second.
        if (!(await this.#answer(parts[0], saved))) return false;
        await this.#answer(parts[1], saved);
        return true;
      }
      case "refused":
        this.#log(event, "warn", textOfBumpRefusal(outcome.refusal));
        return false;
      case "needless":
        return false;
    }
  }

  async #outcomeOf(event: BumpTransactionEvent): Promise<BumpOutcome> {
    const { coins, signerProvider } = this.#options;
    const signer = signerProvider.deriveChannelSigner(event.channelKeysId);
    const { claimId } = event;
    const sent = this.#sent.get(claimId);
    let step = bumpSteps(event, { signer, sent, isSplit: this.#sent.isSplit(claimId) });
    for (;;) {
      if (step.kind === "select") step = step.answered(await coins.selectConfirmedUtxos(step.request));
      else if (step.kind === "sign") step = step.answered(await coins.signPsbt(step.psbt));
      else return step;
    }
  }

  #log(
    { channelId, counterparty, kind }: BumpTransactionEvent,
    level: LogRecord["level"],
    text: string,
  ): void {
    const line = `channel ${channelId}: ${kind}: ${text}`;
    this.#options.logger.log({ level, module: "bump", text: line, nodeId: counterparty });
  }
}
