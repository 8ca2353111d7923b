import type { FundingCreated } from "../../wire/index.ts";
import { failUnfunded } from "../ops/endUnfunded.ts";
import { firstCommitments, signFirstCommitment } from "../ops/firstCommitments.ts";
import type { Outcome } from "../outcome.ts";
import type { WaitForFundingCreated } from "../state.ts";

/** The opener's funding outpoint, and its signature of our first commitment: we sign the opener's. */
export function fundingCreatedReceived(state: WaitForFundingCreated, message: FundingCreated): Outcome {
  const outPoint = { txid: message.fundingTxid, index: message.fundingOutputIndex };
  const first = firstCommitments(state.opening, outPoint, message.signature);
  if (!first.ok) return failUnfunded(state, first.error);
  const request = signFirstCommitment(state.opening, outPoint);
  return {
    state,
    actions: [],
    tasks: [{ request, continuation: { kind: "send-funding-signed", first: first.value } }],
  };
}
