import type { TestContext } from "node:test";
import { encodeHeader } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { toHex } from "@fulmen/bitcoin/primitives";
import { ChainSourceError } from "@fulmen/chain-sync";
import { regtestGenesis } from "@fulmen/testkit/chain";
import type { LineListener } from "#src/electrum/lineStream";
import { serverAddress } from "#src/electrum/serverAddress";
import { ElectrumSession } from "#src/electrum/session";

/** Answers a method, or throws `{ code, message }`. */
export type Script = Readonly<Record<string, (...params: readonly unknown[]) => unknown>>;

const genesis = toHex(encodeHeader(regtestGenesis.header));

/** A session, until the test ends, with a server that answers as it is told; and what it was asked. */
export async function scriptedSession(test: TestContext, script: Script, protocol = "1.4.2") {
  const asked: string[] = [];
  const all: Script = {
    "server.version": () => ["scripted", protocol],
    "blockchain.block.header": () => genesis,
    "blockchain.headers.subscribe": () => ({ hex: genesis, height: 0 }),
    ...script,
  };
  let listener: LineListener | undefined;
  const say = (message: object): void => listener?.line(JSON.stringify(message));
  const answer = (line: string): void => {
    const { id, method, params } = JSON.parse(line);
    asked.push(method);
    const call = all[method];
    try {
      if (call === undefined) throw { code: -32_601, message: `unknown method "${method}"` };
      say({ id, result: call(...params) });
    } catch (error) {
      say({ id, error });
    }
  };
  const session = await ElectrumSession.begin(
    serverAddress("tcp://scripted"),
    {
      network: networks.regtest,
      open: async (request) => {
        listener = request.listener;
        return { send: (lines) => queueMicrotask(() => lines.forEach(answer)), close: () => {} };
      },
      limits: { inFlight: 10, silence: 5_000, answer: 5_000, ping: 60_000, notifications: 100 },
      maxLineLength: 1_000_000,
      connectTimeout: 1_000,
      recheckInterval: 600_000,
    },
    { listener: { changed: () => {}, lost: () => {} }, signal: new AbortController().signal },
  );
  test.after(() => session.close(new ChainSourceError("stopped", "the test is over", "")));
  asked.length = 0;
  return { session, asked, say };
}
