import type { InboundChannelPolicy } from "@fulmen/node";
import { misfit } from "../cliError.ts";
import type { ConfigValues } from "./readConfig.ts";

type Satoshis = NonNullable<InboundChannelPolicy["minFunding"]>;
type NodeId = NonNullable<InboundChannelPolicy["trustedPeers"]>[number];

/** What the settings of the group `inboundChannels` say. Throws `CliError` where they do not fit. */
export function inboundConfig(values: ConfigValues): InboundChannelPolicy | undefined {
  const named = [...values.keys()].filter((name) => name.startsWith("inboundChannels."));
  const [first] = named;
  if (first === undefined) return undefined;
  const valueNamed = (name: string) => values.get(`inboundChannels.${name}`);
  const others = named.filter((name) => name !== "inboundChannels.accept");
  if (valueNamed("accept") === false && others.length > 0)
    throw misfit(
      `No channels are taken (inboundChannels.accept), and ${others.join(", ")} says which.`,
      "Remove one or the other.",
    );
  const [least, most] = [satoshis(valueNamed("minFunding")), satoshis(valueNamed("maxFunding"))];
  if (least !== undefined && most !== undefined && least > most)
    throw misfit(
      "inboundChannels.minFunding is more than inboundChannels.maxFunding: no channel has such a size.",
      "Correct one of them.",
    );
  const flags = ["accept", "withoutReserve"] as const;
  const limits = ["maxPerPeer", "maxTotal"] as const;
  const plain = [...flags, ...limits].filter((name) => valueNamed(name) !== undefined);
  return {
    ...Object.fromEntries(plain.map((name) => [name, valueNamed(name)])),
    ...(least !== undefined && { minFunding: least }),
    ...(most !== undefined && { maxFunding: most }),
    trustedPeers: trustedPeers(valueNamed("trustedPeers")),
  };
}

function satoshis(value: ReturnType<ConfigValues["get"]>): Satoshis | undefined {
  return typeof value === "number" ? (BigInt(value) as Satoshis) : undefined;
}

function trustedPeers(value: ReturnType<ConfigValues["get"]>): readonly NodeId[] {
  if (typeof value !== "object") return [];
  const ids = value.map((one) => one.toLowerCase());
  const wrong = ids.find((one) => !/^0[23][0-9a-f]{64}$/.test(one));
  if (wrong === undefined) return ids as NodeId[];
  throw misfit(
    `inboundChannels.trustedPeers has "${wrong.slice(0, 80)}", which is no node's id.`,
    "Give 66 hexadecimal digits that begin with 02 or 03, without an address.",
  );
}
