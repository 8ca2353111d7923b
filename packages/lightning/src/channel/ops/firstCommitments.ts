import { crypto } from "@fulmen/bitcoin/crypto";
import { p2wsh } from "@fulmen/bitcoin/script";
import { type BuiltCommitment, buildCommitment } from "../../commitment/build.ts";
import type {
  ActiveFunding,
  Commitments,
  FirstCommitments,
  FirstSigned,
} from "../../commitment/commitments.ts";
import { type FundingOutput, fundingScript } from "../../commitment/funding.ts";
import { commitmentKeys, type Side } from "../../commitment/keys.ts";
import type { ChannelParams } from "../../commitment/params.ts";
import { commitmentSighash } from "../../commitment/signatures.ts";
import { emptyShachain } from "../../crypto/shachain.ts";
import type { SigningRequest } from "../../sign/channelSigner.ts";
import type { Script, Signature } from "../../util/bytes.ts";
import { channelIdFromOutPoint, commitmentNumber, htlcId, type OutPoint } from "../../util/ids.ts";
import { err, ok, type Result } from "../../util/result.ts";
import { type Msat, minus, satToMsat } from "../../util/units.ts";
import { type ChannelRefusal, refusal } from "../error.ts";
import type { AgreedOpening } from "../state.ts";

const first = commitmentNumber(0);

/** The output script of a funding (BOLT 3, "Funding Transaction Output"). */
export function fundingOutputScript(funding: Pick<FundingOutput, "localKey" | "remoteKey">): Script {
  return p2wsh(fundingScript(funding.localKey, funding.remoteKey)) as Script;
}

/** The script that the funding transaction of an opening must pay to. */
export function openingScript({ keys, remoteFundingKey }: AgreedOpening): Script {
  return fundingOutputScript({ localKey: keys.fundingKey, remoteKey: remoteFundingKey });
}

/** Asks for our signature of the peer's first commitment. */
export function signFirstCommitment(opening: AgreedOpening, outPoint: OutPoint): SigningRequest {
  const { built, funding } = buildFirst(opening, outPoint, "remote");
  return {
    kind: "counterparty-commitment",
    number: first,
    point: opening.remoteFirstPoint,
    commitments: [{ funding, built }],
    preimages: [],
  };
}

/** The channel's commitments as they begin, if `signature` is the peer's of our first one. */
export function firstCommitments(
  opening: AgreedOpening,
  outPoint: OutPoint,
  signature: Signature,
): Result<FirstCommitments, ChannelRefusal> {
  const { built, funding } = buildFirst(opening, outPoint, "local");
  const sighash = commitmentSighash(built, funding.capacity);
  if (!crypto().ecdsaVerify(signature, sighash, opening.remoteFundingKey)) {
    const text = `invalid signature of our first commitment ${built.txid}`;
    return err(refusal("close", "invalid-commitment-signature", text));
  }
  const active: ActiveFunding = { ...funding, ...firstBalances(opening) };
  const signed: FirstSigned = {
    local: { txid: built.txid, signature, htlcSignatures: [] },
    remoteTxid: buildFirst(opening, outPoint, "remote").built.txid,
  };
  const state = opening.isOpener ? "sent-add-ack-revocation" : "received-add-ack-revocation";
  const commitments: Commitments = {
    channelId: channelIdFromOutPoint(outPoint),
    params: paramsOf(opening),
    fundings: [active],
    htlcs: [],
    feerates: [{ feerate: opening.feerate, state }],
    localNumber: first,
    remoteNumber: first,
    localPoints: opening.keys.points,
    remotePoint: opening.remoteFirstPoint,
    remoteSecrets: emptyShachain,
    nextLocalHtlcId: htlcId(0),
    nextRemoteHtlcId: htlcId(0),
  };
  return ok({ commitments, signed });
}

function buildFirst(
  opening: AgreedOpening,
  outPoint: OutPoint,
  side: Side,
): { readonly built: BuiltCommitment; readonly funding: FundingOutput } {
  const { keys, remoteFundingKey, capacity, feerate } = opening;
  const funding = { outPoint, capacity, localKey: keys.fundingKey, remoteKey: remoteFundingKey };
  const params = paramsOf(opening);
  const point = side === "local" ? keys.points[0] : opening.remoteFirstPoint;
  const { localBalance, remoteBalance } = firstBalances(opening);
  const built = buildCommitment({
    params,
    side,
    funding,
    number: first,
    keys: commitmentKeys(params, side, point),
    spec: { feerate, toLocal: localBalance, toRemote: remoteBalance, htlcs: [] },
  });
  return { built, funding };
}

function paramsOf({ format, isOpener, local, remote }: AgreedOpening): ChannelParams {
  return { format, isOpener, local, remote };
}

function firstBalances({ isOpener, capacity, pushed }: AgreedOpening): {
  readonly localBalance: Msat;
  readonly remoteBalance: Msat;
} {
  const kept = minus(satToMsat(capacity), pushed);
  return isOpener
    ? { localBalance: kept, remoteBalance: pushed }
    : { localBalance: pushed, remoteBalance: kept };
}
