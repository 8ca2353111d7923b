import { isCoinbase, type Transaction, txid } from "@fulmen/bitcoin/transaction";
import { equalBytes } from "../../util/bytes.ts";
import type { OutPoint } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { ChannelContext } from "../input.ts";
import { openingScript, signFirstCommitment } from "../ops/firstCommitments.ts";
import { type Outcome, refuse } from "../outcome.ts";
import type { AgreedOpening, WaitForFundingTransaction } from "../state.ts";

/** Locktimes from here on are times, not heights. */
const firstTime = 500_000_000;
const finalSequence = 0xffff_ffff;

/** The user's funding transaction: it must be one that the peer can rely on, and that confirms. */
export function fundingGiven(
  ctx: ChannelContext,
  state: WaitForFundingTransaction,
  transaction: Transaction,
): Outcome {
  const found = fundingIn(ctx, state.opening, transaction);
  if (!found.ok) return refuse(state, found.error);
  const funding = found.value;
  const request = signFirstCommitment(state.opening, funding);
  const continuation = { kind: "send-funding-created", fundingTransaction: transaction, funding } as const;
  return { state, actions: [], tasks: [{ request, continuation }] };
}

function fundingIn(
  ctx: ChannelContext,
  opening: AgreedOpening,
  transaction: Transaction,
): Result<OutPoint, ChannelRefusal> {
  const { inputs, outputs, locktime } = transaction;
  const refused = (code: string, text: string) => err(refusal("ignore", code, text));
  // Without a witness, a signature is malleable: another txid would confirm, and the channel's money be lost.
  if (!isCoinbase(transaction) && inputs.some(({ witness }) => witness.length === 0)) {
    return refused("not-segwit", "every input of a funding transaction must be signed by a witness");
  }
  const locked = inputs.some(({ sequence }) => sequence !== finalSequence);
  if (locked && locktime < firstTime && locktime > ctx.bestHeight + 1) {
    return refused("not-final", `the funding transaction is locked until block ${locktime}`);
  }
  const script = openingScript(opening);
  const matching: number[] = [];
  for (const [index, output] of outputs.entries()) {
    if (output.value === opening.capacity && equalBytes(output.script, script)) matching.push(index);
  }
  const [index] = matching;
  if (index === undefined) {
    return refused("no-funding-output", `no output pays ${opening.capacity} sat to the channel's script`);
  }
  if (matching.length > 1) {
    return refused("several-funding-outputs", `outputs ${matching.join(", ")} all pay to the channel`);
  }
  if (index > 0xffff) return refused("funding-index-too-large", `output ${index}, the last can be 65535`);
  return ok({ txid: txid(transaction), index });
}
