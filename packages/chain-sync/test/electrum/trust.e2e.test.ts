import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { ElectrumSource } from "@fulmen/chain-sync/electrum";
import { ElectrumServer } from "@fulmen/testkit/electrum";
import { createFundedChain } from "@fulmen/testkit/wallet";
import { failure, scene } from "./scene.ts";
import { certificateSha256 } from "./servedElectrum.ts";

const anotherCertificate = "00".repeat(32);

describe("who an Electrum server is", () => {
  it("is not believed of one whose certificate nobody signed, and its fingerprint is named", () =>
    scene(async (it) => {
      const { url } = await it.serve(new ElectrumServer(createFundedChain().chain), { protocol: "ssl" });
      const error = await failure(it.source([url]).start(), "untrusted");
      assert.match(error.message, /DEPTH_ZERO_SELF_SIGNED_CERT/);
      assert.ok(error.remedy.includes(certificateSha256));
      assert.equal(error.isTransient, false);
    }));

  it("is told by a pinned certificate and by no other one", () =>
    scene(async (it) => {
      const calls: never[] = [];
      const server = new ElectrumServer(createFundedChain().chain);
      const { url } = await it.serve(server, { protocol: "ssl", calls });
      const wrong = it.source([{ url, certificateSha256: anotherCertificate }]);
      await failure(wrong.start(), "untrusted");
      assert.deepEqual(calls, [], "nothing was said before");
      await it.source([{ url, certificateSha256: certificateSha256.toUpperCase() }]).start();
    }));

  it("is asked through a function that dials, which is given names as they are", () =>
    scene(async (it) => {
      const { port } = await it.serve(new ElectrumServer(createFundedChain().chain));
      const secure = await it.serve(new ElectrumServer(createFundedChain().chain), { protocol: "ssl" });
      const dialled: string[] = [];
      const through = (to: number) => async (target: { host: string; port: number }) => {
        dialled.push(`${target.host}:${target.port}`);
        const socket = connect(to, "127.0.0.1");
        await new Promise((resolve) => socket.once("connect", resolve));
        return socket;
      };
      const onion = `${"a".repeat(56)}.onion`;
      await it.source([`tcp://${onion}:50001`], { dial: through(port) }).start();
      const pinned = { url: `ssl://${onion}`, certificateSha256 };
      await it.source([pinned], { dial: through(secure.port) }).start();
      await it
        .source([`ssl://${onion}`], { dial: through(secure.port) })
        .start()
        .catch(() => {});
      assert.deepEqual(dialled, [`${onion}:50001`, `${onion}:50002`, `${onion}:50002`]);
      const deaf = it.source([`tcp://${onion}`], { dial: () => new Promise(() => {}), connectTimeout: 50 });
      await failure(deaf.start(), "unreachable");
      const broken = it.source([`tcp://${onion}`], {
        dial: () => Promise.reject(new Error("proxy is down")),
      });
      assert.match((await failure(broken.start(), "unreachable")).message, /proxy is down/);
    }));

  it("is not looked for in the name system when it is in Tor", () =>
    scene(async (it) => {
      const error = await failure(it.source([`tcp://${"a".repeat(56)}.onion:50001`]).start(), "unsupported");
      assert.match(error.remedy, /SOCKS5/);
    }));

  it("matters for its network", () =>
    scene(async (it) => {
      const { url } = await it.serve(new ElectrumServer(createFundedChain().chain));
      const error = await failure(it.source([url], { network: "signet" }).start(), "wrong-network");
      assert.match(error.message, /a server of regtest, not of signet/);
    }));

  it("is one at least", () => {
    assert.throws(() => new ElectrumSource({ network: "regtest", servers: [] }), { code: "unsupported" });
  });
});
