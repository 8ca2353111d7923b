import assert from "node:assert/strict";
import type { SimulatedChain } from "@fulmen/testkit/chain";
import { TestWallet } from "@fulmen/testkit/wallet";
import type { ClaimId } from "#src/chain/coinSelection";
import type { SentBump } from "#src/onchain/bumpDraft";
import { type BumpOutcome, type BumpStep, bumpSteps } from "#src/onchain/bumpSteps";
import type { BumpTransactionEvent } from "#src/onchain/bumpTransaction";
import type { OutputSpendSigner } from "#src/sign/outputSpend";

type Broadcast = Extract<BumpOutcome, { kind: "broadcast" }>;

/** Answers a party's bump events with coins that it has for that. */
export class BumpWallet {
  readonly #signer: OutputSpendSigner;
  readonly #wallet: TestWallet;
  #sent = new Map<ClaimId, SentBump>();

  constructor(chain: SimulatedChain, signer: OutputSpendSigner, seed: number) {
    this.#signer = signer;
    this.#wallet = new TestWallet(chain, seed);
  }

  /** Where its coins are. */
  get script(): Uint8Array {
    return this.#wallet.script;
  }

  /** What is to be broadcast for an event: nothing where that needs nothing. */
  answer(event: BumpTransactionEvent): readonly Broadcast[] {
    const context = { signer: this.#signer, sent: this.#sent.get(event.claimId) };
    const outcome = this.#walk(bumpSteps(event, context));
    switch (outcome.kind) {
      case "broadcast":
        this.#sent.set(event.claimId, outcome.sent);
        return [outcome];
      case "split":
        return outcome.parts.flatMap((part) => this.answer(part));
      case "needless":
        return [];
      case "refused":
        if (outcome.refusal.kind === "unsigned") return [];
        return assert.fail(
          JSON.stringify(outcome.refusal, (_, one) => (typeof one === "bigint" ? `${one}` : one)),
        );
    }
  }

  /** The process ended: what was sent is forgotten, but not which coins are for what. */
  forget(): void {
    this.#sent = new Map();
  }

  #walk(first: BumpStep): BumpOutcome {
    let step = first;
    for (;;) {
      if (step.kind === "select") step = step.answered(this.#wallet.selectConfirmedUtxos(step.request));
      else if (step.kind === "sign") step = step.answered(this.#wallet.signPsbt(step.psbt));
      else return step;
    }
  }
}
