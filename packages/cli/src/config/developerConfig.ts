import type { DevelopmentOptions, NodeNetwork } from "@fulmen/node";
import { misfit } from "../cliError.ts";
import type { ConfigValues } from "./readConfig.ts";

/** What the settings of the group `developer` say; `undefined` where there are none. Throws `CliError` on mainnet. */
export function developerConfig(values: ConfigValues, network: NodeNetwork): DevelopmentOptions | undefined {
  const named = [...values.keys()].filter((name) => name.startsWith("developer."));
  if (named.length === 0) return undefined;
  if (network === "mainnet")
    throw misfit(`${named.join(", ")}: not on mainnet.`, "Remove it: developer flags make a node worse.");
  const number = (name: string): number | undefined => {
    const value = values.get(`developer.${name}`);
    return typeof value === "number" ? value : undefined;
  };
  const [delay, poll, depth] = [number("reconnectDelay"), number("pollInterval"), number("minimumDepth")];
  const key = values.get("developer.nodeKey");
  const secrets = values.get("developer.channelSecrets");
  return {
    forwardAtOnce: values.get("developer.forwardAtOnce") === true,
    ...(delay !== undefined && { reconnectDelay: delay }),
    ...(poll !== undefined && { pollInterval: poll }),
    ...(depth !== undefined && { minimumDepth: depth }),
    ...(typeof key === "string" && { nodeKey: bytesOf(key) ?? refuseKey() }),
    ...(typeof secrets === "object" && { channelSecrets: channelSecrets(secrets) }),
  };
}

function channelSecrets(texts: readonly string[]): NonNullable<DevelopmentOptions["channelSecrets"]> {
  const [funding, revocation, payment, delayedPayment, htlc, commitmentSeed] = texts.map(bytesOf);
  if (
    texts.length !== 6 ||
    !funding ||
    !revocation ||
    !payment ||
    !delayedPayment ||
    !htlc ||
    !commitmentSeed
  )
    throw misfit(
      "developer.channelSecrets are not six times 64 hex digits.",
      "Give the secrets of funding key, revocation, payment, delayed payment and HTLCs, and the commitments' seed.",
    );
  return { funding, revocation, payment, delayedPayment, htlc, commitmentSeed };
}

function refuseKey(): never {
  throw misfit("developer.nodeKey is not 64 hex digits.", "Give a private key of 32 bytes in hex.");
}

function bytesOf(text: string): Uint8Array | undefined {
  return /^[0-9a-fA-F]{64}$/.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : undefined;
}
