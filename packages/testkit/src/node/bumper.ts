import type { ClaimId, CoinSelectionSource } from "@fulmen/lightning/chain";
import type { Logger } from "@fulmen/lightning/handlers";
import {
  type BumpOutcome,
  type BumpStep,
  type BumpTransactionEvent,
  bumpSteps,
  SentBumps,
  textOfBumpRefusal,
} from "@fulmen/lightning/onchain";
import type { OutputSpendSigner } from "@fulmen/lightning/sign";

/** A wallet that answers at once. */
export type SyncCoinSelectionSource = {
  readonly [Name in keyof Required<CoinSelectionSource>]: (
    ...asked: Parameters<Required<CoinSelectionSource>[Name]>
  ) => Exclude<ReturnType<Required<CoinSelectionSource>[Name]>, Promise<unknown>>;
};

export interface BumperParts {
  readonly wallet: SyncCoinSelectionSource;
  readonly signerProvider: { deriveChannelSigner(channelKeysId: Uint8Array): OutputSpendSigner };
  readonly logger: Logger;
}

type Broadcast = Extract<BumpOutcome, { kind: "broadcast" }>;

/**
 * Answers bump events with a wallet's coins, each at once: `BumpTransactionHandler` for wallets that answer at once.
 */
export class Bumper {
  readonly #parts: BumperParts;
  readonly #sent = new SentBumps();

  constructor(parts: BumperParts) {
    this.#parts = parts;
  }

  /** What is to be broadcast now. Refusals are logged; the event comes again. */
  answer(event: BumpTransactionEvent): readonly Broadcast[] {
    const { signerProvider } = this.#parts;
    const { channelKeysId, claimId } = event;
    const signer = signerProvider.deriveChannelSigner(channelKeysId);
    const context = { signer, sent: this.#sent.get(claimId), isSplit: this.#sent.isSplit(claimId) };
    const outcome = this.#walk(bumpSteps(event, context));
    this.#sent.note(claimId, outcome);
    switch (outcome.kind) {
      case "broadcast":
        if (outcome.refusal !== undefined)
          this.#log(event, `pays less: ${textOfBumpRefusal(outcome.refusal)}`);
        return [outcome];
      case "split":
        return this.#answerParts(outcome.parts);
      case "refused":
        this.#log(event, textOfBumpRefusal(outcome.refusal));
        return [];
      case "needless":
        return [];
    }
  }

  /** A wallet that is too poor for the first part is for the second. */
  #answerParts([first, second]: Extract<BumpOutcome, { kind: "split" }>["parts"]): readonly Broadcast[] {
    const broadcasts = this.answer(first);
    return broadcasts.length === 0 ? broadcasts : [...broadcasts, ...this.answer(second)];
  }

  /** All other claims than these, and parts of these, are settled. */
  retain(claimIds: readonly ClaimId[]): void {
    this.#parts.wallet.retainClaims(this.#sent.retain(claimIds));
  }

  #log({ channelId, kind }: BumpTransactionEvent, text: string): void {
    const line = `channel ${channelId}: ${kind}: ${text}`;
    this.#parts.logger.log({ level: "warn", module: "bump", text: line });
  }

  #walk(first: BumpStep): BumpOutcome {
    const { wallet } = this.#parts;
    let step = first;
    for (;;) {
      if (step.kind === "select") step = step.answered(wallet.selectConfirmedUtxos(step.request));
      else if (step.kind === "sign") step = step.answered(wallet.signPsbt(step.psbt));
      else return step;
    }
  }
}
