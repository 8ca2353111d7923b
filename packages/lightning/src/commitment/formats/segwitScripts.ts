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
  const end = delayed ? delayedEnd : immediateEnd;
  return {
    offered: (paymentHash) => {
      const hash = pushHash160(paymentHash);
      return scriptHashOutput(
        concatBytes(
          penalty,
          offeredParts.timeout,
          bothSign,
          offeredParts.preimage,
          hash,
          offeredParts.end,
          end,
        ),
      );
    },
    received: (paymentHash, cltvExpiry) => {
      const { preimage, success, timeout } = receivedParts;
      const hash = pushHash160(paymentHash);
      const expired = script(BigInt(cltvExpiry), op.CHECKLOCKTIMEVERIFY, op.DROP, op.CHECKSIG);
      return scriptHashOutput(concatBytes(penalty, preimage, hash, success, bothSign, timeout, expired, end));
    },
  };
}

const delayedEnd = script(op.ENDIF, op._1, op.CHECKSEQUENCEVERIFY, op.DROP, op.ENDIF);
const immediateEnd = script(op.ENDIF, op.ENDIF);
/** What is the same in all scripts of HTLCs that the owner offered. */
const offeredParts = {
  timeout: script(op.NOTIF, op.DROP),
  preimage: script(op.ELSE, op.HASH160),
  end: script(op.EQUALVERIFY, op.CHECKSIG),
};
/** What is the same in all scripts of HTLCs that the owner was offered. */
const receivedParts = {
  preimage: script(op.IF, op.HASH160),
  success: script(op.EQUALVERIFY),
  timeout: script(op.ELSE, op.DROP),
};

/** `OP_HASH160` of a preimage gives RIPEMD-160 of the payment hash, which is its SHA-256. */
function pushHash160(paymentHash: Uint8Array): Uint8Array {
  return script(crypto().ripemd160(paymentHash));
}
