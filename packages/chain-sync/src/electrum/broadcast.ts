import { toHex } from "@fulmen/bitcoin/primitives";
import { encodeTransaction, type Transaction } from "@fulmen/bitcoin/transaction";
import type { BroadcastOutcome } from "../chainSource.ts";
import { isObject, isOverload, type RpcRefusal } from "./rpcMessage.ts";
import { type ElectrumSession, refused } from "./session.ts";

const accepted: BroadcastOutcome = { kind: "accepted" };
const methodNotFound = -32_601;

/**
 * Hands transactions to the server, several as a package where it takes packages, and otherwise one by one: then a
 * child cannot pay for its parent. Rejects with a `ChainSourceError` when the server does not say what became of them.
 */
export async function broadcastBy(
  session: ElectrumSession,
  transactions: readonly Transaction[],
): Promise<BroadcastOutcome> {
  const raw = transactions.map((transaction) => toHex(encodeTransaction(transaction)));
  const asPackage = raw.length > 1 ? await broadcastPackage(session, raw) : undefined;
  if (asPackage?.kind === "accepted") return asPackage;
  // One by one also after a refused package: those of its transactions that were mined meanwhile are no reason.
  let refusal: BroadcastOutcome | undefined;
  for (const each of raw) {
    const outcome = await broadcastOne(session, each);
    if (outcome.kind === "refused") refusal ??= outcome;
  }
  return refusal === undefined ? accepted : (asPackage ?? refusal);
}

async function broadcastOne(session: ElectrumSession, raw: string): Promise<BroadcastOutcome> {
  const method = "blockchain.transaction.broadcast";
  const answer = await session.ask(method, [raw]);
  if (answer.ok || isKnown(answer.error.message)) return accepted;
  if (isOverload(answer.error)) throw refused(session.address, method, answer.error);
  return { kind: "refused", reason: reasonOf(answer.error) };
}

/** `undefined` where the server does not take packages. */
async function broadcastPackage(
  session: ElectrumSession,
  raw: readonly string[],
): Promise<BroadcastOutcome | undefined> {
  const method = "blockchain.transaction.broadcast_package";
  const answer = await session.ask(method, [raw]);
  if (!answer.ok) {
    const { code, message } = answer.error;
    if (code === methodNotFound || /unknown method|method not found|unsupported/i.test(message))
      return undefined;
    if (isOverload(answer.error)) throw refused(session.address, method, answer.error);
    return { kind: "refused", reason: reasonOf(answer.error) };
  }
  const outcome = isObject(answer.value) ? answer.value : {};
  if (outcome["success"] === true) return accepted;
  const errors: readonly unknown[] = Array.isArray(outcome["errors"]) ? outcome["errors"] : [];
  const texts = errors.map((each) => (isObject(each) ? String(each["error"]) : String(each)));
  const reason = texts.join("; ").slice(0, 300);
  return {
    kind: "refused",
    reason: reasonOf({ code: 0, message: reason === "" ? "no reason given" : reason }),
  };
}

/** As Bitcoin Core says that it has a transaction already, in its mempool or in the chain. */
function isKnown(message: string): boolean {
  return /txn-already-(?:in-mempool|known)|already in (?:the )?(?:block ?chain|utxo set|mempool)/i.test(
    message,
  );
}

/** The node's words, without what ElectrumX puts around them: a sentence before, the whole transaction after. */
function reasonOf({ message }: RpcRefusal): string {
  const match = /rejected by network rules\. (.*?)(?: \[[0-9a-f]*\]?)?$/i.exec(message);
  return match?.[1] ?? message;
}
