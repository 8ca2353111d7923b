import { crypto } from "@fulmen/bitcoin/crypto";
import { hash160, op, p2wsh, script } from "@fulmen/bitcoin/script";
import { concatBytes, type Point } from "../../util/bytes.ts";
import type { HtlcScripts, ScriptHashOutput } from "../format.ts";
import type { CommitmentKeys } from "../keys.ts";

/** An output that commits to `witnessScript` by P2WSH. */
export function scriptHashOutput(witnessScript: Uint8Array): ScriptHashOutput {
  return { script: p2wsh(witnessScript), witnessScript };
}

/** BOLT 3, "`to_local` Output": the owner after `toSelfDelay` blocks, the holder of the revocation key at once. */
export function toLocalScript(keys: CommitmentKeys, toSelfDelay: number): Uint8Array {
  return script(
    ...[op.IF, keys.revocation],
    ...[op.ELSE, BigInt(toSelfDelay), op.CHECKSEQUENCEVERIFY, op.DROP, keys.ownerDelayed],
    ...[op.ENDIF, op.CHECKSIG],
  );
}

/** BOLT 3, "`to_remote` Output" with `option_anchors`: the key, one block after the commitment confirmed. */
export function delayedToRemoteScript(key: Point): Uint8Array {
  return script(key, op.CHECKSIGVERIFY, op._1, op.CHECKSEQUENCEVERIFY);
}

/** BOLT 3, "`to_local_anchor` and `to_remote_anchor` Output": the funding key, and anyone after 16 blocks. */
export function anchorScript(fundingKey: Point): Uint8Array {
  return script(
    ...[fundingKey, op.CHECKSIG, op.IFDUP],
    ...[op.NOTIF, op._16, op.CHECKSEQUENCEVERIFY, op.ENDIF],
  );
}

const oneBlockDelay = script(op._1, op.CHECKSEQUENCEVERIFY, op.DROP);
const noDelay = new Uint8Array(0);

/**
 * BOLT 3, "Offered HTLC Outputs" and "Received HTLC Outputs"; with `delayed`, all paths but the penalty wait one
 * block, as `option_anchors` asks.
 */
export function segwitHtlcScripts(keys: CommitmentKeys, delayed: boolean): HtlcScripts {
  const penalty = script(
    ...[op.DUP, op.HASH160, hash160(keys.revocation), op.EQUAL],
    ...[op.IF, op.CHECKSIG],
    ...[op.ELSE, keys.otherHtlc, op.SWAP, op.SIZE, 32n, op.EQUAL],
  );
  const bothSign = script(op._2, op.SWAP, keys.ownerHtlc, op._2, op.CHECKMULTISIG);
  const end = concatBytes(script(op.ENDIF), delayed ? oneBlockDelay : noDelay, script(op.ENDIF));

  const offeredHead = concatBytes(penalty, script(op.NOTIF, op.DROP), bothSign, script(op.ELSE, op.HASH160));
  const offeredTail = concatBytes(script(op.EQUALVERIFY, op.CHECKSIG), end);

  const receivedHead = concatBytes(penalty, script(op.IF, op.HASH160));
  const receivedMiddle = concatBytes(script(op.EQUALVERIFY), bothSign, script(op.ELSE, op.DROP));
  const receivedTail = concatBytes(script(op.CHECKLOCKTIMEVERIFY, op.DROP, op.CHECKSIG), end);

  return {
    offered: (paymentHash) =>
      scriptHashOutput(concatBytes(offeredHead, pushHash160(paymentHash), offeredTail)),
    received: (paymentHash, cltvExpiry) => {
      const expiry = script(BigInt(cltvExpiry));
      const hash = pushHash160(paymentHash);
      return scriptHashOutput(concatBytes(receivedHead, hash, receivedMiddle, expiry, receivedTail));
    },
  };
}

/** `OP_HASH160` of a preimage gives RIPEMD-160 of the payment hash, which is its SHA-256. */
function pushHash160(paymentHash: Uint8Array): Uint8Array {
  return script(crypto().ripemd160(paymentHash));
}
