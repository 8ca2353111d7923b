import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { decodeMessage } from "@fulmen/lightning/wire";
import { signedNetwork } from "@fulmen/testkit/gossip";
import { takeTurns } from "../side.ts";

// What the gossip benchmark's signatures cost alone: microseconds for each of those of its announcements, and nothing
// else is done. Its parameters: the number of channels, and seconds since 1970.
installNodeCrypto();
const [channels = "0", seconds = "0"] = process.argv.slice(2);
const now = Number(seconds) as UnixSeconds;
const graph = new NetworkGraph({ chainHash: networks.regtest.genesisHash });
const checks = signedNetwork(Number(channels), now).announcements.flatMap((bytes) => {
  const message = decodeMessage(bytes);
  const prepared = message?.type === "channel_announcement" ? graph.prepare(message, { now }) : undefined;
  if (!prepared?.ok) throw new Error("an announcement that the graph refuses");
  const hash = crypto().hash256(prepared.value.signed);
  return prepared.value.checks.map((check) => ({ ...check, hash }));
});

await takeTurns(async () => {
  const { ecdsaVerify } = crypto();
  const start = performance.now();
  const valid = checks.filter(({ signature, hash, key }) => ecdsaVerify(signature, hash, key));
  if (valid.length !== checks.length) throw new Error("a signature that is not valid");
  return (1_000 * (performance.now() - start)) / checks.length;
});
