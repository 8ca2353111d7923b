import { describe, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { feeratePerKw } from "@fulmen/lightning/util";
import { chainSourceConformance } from "@fulmen/testkit/conformance";
import { ServedBitcoind } from "./servedChain.ts";

installNodeCrypto();

const abilities = {
  canInterrupt: true,
  lies: ["false-transactions", "no-work", "broken-chain"],
  takesPackages: true,
} as const;
const feerate = (blocks: number) => feeratePerKw(Math.round(10_000 / blocks));

describe("Bitcoin Core by RPC", () => {
  chainSourceConformance({ describe, it }, () => ServedBitcoind.start({ feerate }), abilities);
});

describe("Bitcoin Core by RPC and REST", () => {
  const start = () => ServedBitcoind.start({ hasRest: true }, { rest: true });
  chainSourceConformance({ describe, it }, start, abilities);
});

describe("an old Bitcoin Core", () => {
  const start = () => ServedBitcoind.start({ isOld: true, without: ["submitpackage"] });
  chainSourceConformance({ describe, it }, start, { ...abilities, takesPackages: false });
});
