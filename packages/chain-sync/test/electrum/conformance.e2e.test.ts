import { describe, it } from "node:test";
import { decodeHeader, encodeHeader, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { type BlockHash, fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { ElectrumSource, type ElectrumSourceOptions } from "@fulmen/chain-sync/electrum";
import { type ChainLie, type ChainSourceMedium, chainSourceConformance } from "@fulmen/testkit/conformance";
import { ElectrumServer, type ElectrumServerOptions } from "@fulmen/testkit/electrum";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { certificateSha256, type Served, servedElectrum } from "./servedElectrum.ts";

/** As in tests, where nobody is far away. */
const impatient = { minReconnectDelay: 20, retryDelay: 5, timeout: 5_000 } as const;

async function createMedium(
  protocol: "tcp" | "ssl" | "ws",
  options: ElectrumServerOptions,
): Promise<ChainSourceMedium> {
  const { chain, faucet } = createFundedChain();
  const server = new ElectrumServer(chain, options);
  const liar = new Liar();
  const serve = (port: number): Promise<Served> =>
    servedElectrum(server, { protocol, port, tamper: (line) => liar.tell(line) });
  let served = await serve(0);
  const { url, port } = served;
  return {
    chain,
    faucet,
    createSource: (network = "regtest") => new ElectrumSource({ ...impatient, ...serverAt(url), network }),
    announce: () => server.update(),
    interrupt: () => served.close(),
    resume: async () => {
      served = await serve(port);
    },
    lie: (lie) => liar.begin(lie, chain.tip.height),
    close: () => served.close(),
  };
}

function serverAt(url: string): Pick<ElectrumSourceOptions, "servers"> {
  return { servers: url.startsWith("ssl") ? [{ url, certificateSha256 }] : [url] };
}

/** Changes what a server says of blocks above a height. */
class Liar {
  #lie: ChainLie | undefined;
  #since = 0;

  begin(lie: ChainLie | undefined, since: number): void {
    this.#lie = lie;
    this.#since = since;
  }

  tell(line: string): string {
    if (this.#lie === undefined) return line;
    const message = JSON.parse(line);
    const { result, params } = message;
    if (this.#lie === "false-transactions") {
      if (result?.merkle !== undefined && result.block_height > this.#since)
        result.merkle = result.merkle.map((hash: string) => `${hash.slice(1)}0`);
      return JSON.stringify(message);
    }
    // A tip, in an answer or a notification, or a row of headers: the last of them is falsified.
    for (const each of [result, params?.[0]]) {
      if (each?.headers?.length > 0) each.headers.push(this.#falsified(each.headers.pop()));
      if (typeof each?.hex === "string" && (each.height ?? Infinity) > this.#since)
        each.hex = this.#falsified(each.hex);
    }
    return JSON.stringify(message);
  }

  #falsified(hex: string): string {
    const isBroken = this.#lie === "broken-chain";
    const { previous, ...rest } = decodeHeader(fromHex(hex.slice(-160)));
    const other = { ...rest, previous: isBroken ? (`${previous.slice(0, -4)}dead` as BlockHash) : previous };
    let nonce = 0;
    while (hasProofOfWork({ ...other, nonce }, networks.regtest) !== isBroken) nonce++;
    return hex.slice(0, -160) + toHex(encodeHeader({ ...other, nonce }));
  }
}

for (const { protocol, newestProtocol } of [
  { protocol: "tcp", newestProtocol: "1.4.2" },
  { protocol: "ssl", newestProtocol: "1.6" },
  { protocol: "ws", newestProtocol: "1.4.2" },
] as const) {
  describe(`an Electrum server of protocol ${newestProtocol} over ${protocol} passes the conformance suite`, () => {
    chainSourceConformance({ describe, it }, () => createMedium(protocol, { newestProtocol }), {
      canInterrupt: true,
      takesPackages: newestProtocol === "1.6",
      lies: ["false-transactions", "no-work", "broken-chain"],
    });
  });
}
