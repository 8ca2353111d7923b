import { toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import { printable } from "@fulmen/lightning/util";
import type { BroadcastOutcome } from "../chainSource.ts";
import { unexpected } from "./bitcoindClient.ts";
import { fieldOf, type RpcClient, RpcRefusal, rpcCodes } from "./rpcClient.ts";

/** No limit of Core's own: what to pay was decided before. */
const noLimit = 0;

/** Hands transactions to Bitcoin Core: several as a package, one by one where that is not known or not taken. */
export async function broadcastBy(
  rpc: RpcClient,
  transactions: readonly Transaction[],
): Promise<BroadcastOutcome> {
  const raw = transactions.map((transaction) => toHex(encodeTransaction(transaction)));
  if (raw.length < 2) return oneByOne(rpc, raw);
  const refusal = await packageRefusal(rpc, raw);
  if (refusal === undefined) return { kind: "accepted" };
  // A parent that is confirmed is no part of a package; nor is what an older node does not take as one.
  const apart = await oneByOne(rpc, raw);
  if (apart.kind === "accepted") return apart;
  return { kind: "refused", reason: refusal === "" ? apart.reason : refusal };
}

/** What is said against the package; empty when it was not looked at. */
async function packageRefusal(rpc: RpcClient, raw: readonly string[]): Promise<string | undefined> {
  const answer = await refusalOr(rpc.call("submitpackage", [raw, noLimit]));
  if (answer instanceof RpcRefusal) return answer.code === rpcCodes.methodNotFound ? "" : answer.message;
  const message = fieldOf(answer, "package_msg");
  if (message === "success") return undefined;
  const results = Object.values(Object(fieldOf(answer, "tx-results")) as Record<string, unknown>);
  const errors = results.map((each) => fieldOf(each, "error")).filter((error) => typeof error === "string");
  return printable([message, ...new Set(errors)].join(": "), 500);
}

async function oneByOne(rpc: RpcClient, raw: readonly string[]): Promise<BroadcastOutcome> {
  for (const each of raw) {
    const answer = await refusalOr(rpc.call("sendrawtransaction", [each, noLimit]));
    if (!(answer instanceof RpcRefusal) || answer.code === rpcCodes.alreadyInUtxoSet) continue;
    if (answer.code === rpcCodes.methodNotFound) throw unexpected(answer);
    return { kind: "refused", reason: answer.message };
  }
  return { kind: "accepted" };
}

async function refusalOr(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RpcRefusal) return error;
    throw error;
  }
}
