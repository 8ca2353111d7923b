// timeout: 120 s
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, describe, it } from "node:test";
import { HttpService } from "@fulmen/testkit/sockets";
import { chainUrl, cleanUp, newNode, run } from "./support/processes.ts";

after(cleanUp);

describe("fulmen start", () => {
  it("says of each thing that is wrong what it is, with an exit code of its own", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const login = { source: "bitcoind", url: chainUrl, user: "fulmen" };
    const html = await HttpService.listen(() => ({ status: 200, body: "<html>welcome</html>" }));
    const esplora = { source: "esplora", url: `http://127.0.0.1:${html.port}` };
    const cases: readonly (readonly [string, object, number, RegExp])[] = [
      ["typo", { api: { prot: 1 } }, 3, /api\.prot is no setting\.\nDid you mean api\.port\?/],
      ["port", { api: { port } }, 5, /listens at 127\.0\.0\.1/],
      ["peerport", { listen: { port } }, 5, /./],
      ["public", { api: { host: "0.0.0.0", port: 0 } }, 3, /unencrypted/],
      ["password", { chain: { ...login, password: "wrong" } }, 8, /./],
      ["network", { network: "signet", chain: { ...login, password: "secret" } }, 9, /./],
      ["nobody", { chain: { ...login, url: "http://127.0.0.1:1", password: "secret" } }, 7, /./],
      ["html", { chain: esplora }, 7, /./],
    ];
    await Promise.all(
      cases.map(async ([name, settings, code, expected]) => {
        const folder = await newNode(name, settings);
        const ended = await run(["start", "--data-dir", folder]);
        assert.equal(ended.code, code, `${name}: ${ended.err}`);
        assert.match(ended.err, expected, name);
        assert.match(ended.err, /^.+\n.+\n\([a-z0-9-]+\)\n$/, `${name}: what, what to do, code`);
      }),
    );
    await html.close();
    await new Promise<void>((resolve) => void taken.close(() => resolve()));
  });
});
