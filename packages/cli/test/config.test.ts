import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CliError } from "#src/cliError";
import { type DaemonConfig, daemonConfig } from "#src/config/daemonConfig";
import { readConfig } from "#src/config/readConfig";
import { environmentName, settings } from "#src/config/settings";
import { suggestion } from "#src/config/suggestion";

/** The config that a file and an environment make. */
function read(text: string, environment: Readonly<Record<string, string>> = {}): DaemonConfig {
  const folder = mkdtempSync(join(tmpdir(), "fulmen-config-"));
  try {
    writeFileSync(join(folder, "fulmen.json"), text);
    return daemonConfig(readConfig(join(folder, "fulmen.json"), environment));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refusal(action: () => unknown): CliError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CliError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

const least = '{"network": "signet", "chain": {"source": "esplora", "url": "https://e.example/api"}}';

describe("the config", () => {
  it("fills in what is left out, by the network", () => {
    const config = read(least);
    assert.deepEqual(config.api, {
      host: "127.0.0.1",
      port: 39734,
      allowPublicWithoutTls: false,
      corsOrigins: [],
    });
    assert.deepEqual(config.listen, { host: "127.0.0.1", port: 39735 });
    assert.deepEqual(config.storage, { kind: "sqlite", encrypted: false });
    assert.deepEqual(config.chain, { esplora: { url: "https://e.example/api" } });
    const core = read('{"network": "regtest", "chain": {"source": "bitcoind"}}').chain;
    assert.ok("bitcoind" in core && core.bitcoind.url === "http://127.0.0.1:18443");
    assert.match(core.bitcoind.cookieFile ?? "", /\.bitcoin.regtest.\.cookie$/);
  });

  it("has full paths, of the file's folder where they are not said, wherever the process was started", () => {
    const paths = {
      storage: { path: "a" },
      backup: { files: ["b", "/c"] },
      api: { tls: { certificate: "d", key: "~/e" } },
    };
    const folder = mkdtempSync(join(tmpdir(), "fulmen-config-"));
    const path = join(folder, "fulmen.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(least), ...paths }));
    const { storage, backupFiles, api } = daemonConfig(readConfig(path, { FULMEN_STORAGE_PATH: "f" }));
    rmSync(folder, { recursive: true });
    assert.deepEqual(storage, { kind: "sqlite", encrypted: false, path: join(folder, "f") });
    assert.deepEqual(backupFiles, [join(folder, "b"), "/c"]);
    assert.deepEqual(api.tls, { certificate: join(folder, "d"), key: join(homedir(), "e") });
  });

  it("says what is paid at the most for what can wait", () => {
    assert.equal(read(least).maxFeerate, undefined);
    assert.equal(read(least, { FULMEN_FEES_MOST: "40" }).maxFeerate, 40);
  });

  it("forwards to channels that are not announced where it is told to", () => {
    assert.equal(read(least).forwardsToPrivateChannels, false);
    assert.equal(
      read(least, { FULMEN_FORWARDING_TO_PRIVATE_CHANNELS: "true" }).forwardsToPrivateChannels,
      true,
    );
  });

  it("says which channels of peers are taken", () => {
    const id = `02${"ab".repeat(32)}`;
    const config = read(least.replace("{", '{"inboundChannels": {"minFunding": 20000, "maxPerPeer": 2},'), {
      FULMEN_INBOUND_CHANNELS_WITHOUT_RESERVE: "true",
      FULMEN_INBOUND_CHANNELS_TRUSTED_PEERS: id.toUpperCase(),
    });
    assert.deepEqual(config.inboundChannels, {
      ...{ withoutReserve: true, maxPerPeer: 2, minFunding: 20_000n },
      trustedPeers: [id],
    });
    assert.equal(read(least).inboundChannels, undefined);
    const having = (group: object) => least.replace("{", `{"inboundChannels": ${JSON.stringify(group)},`);
    const cases = [
      [{ accept: false, withoutReserve: true }, /accept\), and inboundChannels\.withoutReserve says which/],
      [{ minFunding: 2, maxFunding: 1 }, /minFunding is more than/],
      [{ trustedPeers: [`${id}@10.0.0.1:9735`] }, /trustedPeers has "02ab.* no node's id/],
      [{ withoutReserve: 1 }, /has to be true or false/],
    ] as const;
    for (const [group, message] of cases) {
      const { code, exitCode, message: text } = refusal(() => read(having(group)));
      assert.deepEqual([code, exitCode], [refusal(() => read("[]")).code, 3]);
      assert.match(text, message);
    }
  });

  it("may have comments, but not inside of texts", () => {
    const text =
      '{ // what\n "network": "signet", // "network": "mainnet"\n "chain": {"source": "electrum", "url": "tls://a//b"}}';
    assert.deepEqual(read(text).chain, { electrum: { url: "tls://a//b" } });
  });

  it("gives way to the environment", () => {
    const config = read(least, {
      FULMEN_API_PORT: "5",
      FULMEN_API_ALLOW_PUBLIC_WITHOUT_TLS: "true",
      FULMEN_ANNOUNCE_ADDRESSES: "a:1, b:2",
      FULMEN_DATA_DIR: "/x",
      HOME: "/y",
    });
    assert.deepEqual([config.api.port, config.api.allowPublicWithoutTls], [5, true]);
    assert.deepEqual(config.announceAddresses, ["a:1", "b:2"]);
  });

  it("names a key that is none, and what was probably meant", () => {
    const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
      ['{"netwrok": "signet"}', {}, "netwrok", "Did you mean network?"],
      ['{"api": {"prot": 5}}', {}, "api.prot", "Did you mean api.port?"],
      ['{"chain": {"user": "a", "pasword": "b"}}', {}, "chain.pasword", "Did you mean chain.password?"],
      ['{"chian": {}}', {}, "chian", "Did you mean chain?"],
      ['{"somethingElse": 1}', {}, "somethingElse", "See docs/daemon.md for what there is."],
      [least, { FULMEN_CHAIN_PASWORD: "x" }, "FULMEN_CHAIN_PASWORD", "Did you mean FULMEN_CHAIN_PASSWORD?"],
    ];
    for (const [text, environment, name, remedy] of cases) {
      const error = refusal(() => read(text, environment));
      assert.deepEqual([error.code, error.exitCode, error.remedy], ["unknown-setting", 3, remedy]);
      assert.ok(error.message.includes(name), error.message);
    }
  });

  it("refuses values that do not fit, by name", () => {
    const cases: readonly (readonly [string, string])[] = [
      ['{"network": "signett"}', "did you mean signet?"],
      ['{"network": "signet", "api": {"port": "80"}}', "api.port"],
      ['{"network": "signet", "api": {"port": 70000}}', "from 0 to 65535"],
      ['{"network": "signet", "api": 5}', "api is not an object"],
      ['{"network": "signet", "listen": {"enabled": "yes"}}', "true or false"],
      ["{", "is not JSON"],
      ["[]", "not a JSON object"],
      ["{}", "network is not set"],
      ['{"network": "signet"}', "chain.source is not set"],
      ['{"network": "signet", "chain": {"source": "esplora"}}', "chain.url is not set"],
      ['{"network": "signet", "chain": {"source": "bitcoind", "user": "a"}}', "only one is set"],
      [
        '{"network": "signet", "chain": {"source": "bitcoind"}, "storage": {"kind": "postgres"}}',
        "storage.url",
      ],
      ['{"network": "signet", "chain": {"source": "bitcoind"}, "gossip": "maybe"}', 'gossip is "maybe"'],
      [
        '{"network": "signet", "chain": {"source": "bitcoind"}, "api": {"tls": {"key": "a"}}}',
        "only one is set",
      ],
    ];
    for (const [text, part] of cases) {
      const error = refusal(() => read(text));
      assert.equal(error.exitCode, 3, text);
      assert.ok(error.message.includes(part), `${text}: ${error.message}`);
    }
  });

  it("refuses developer flags on mainnet", () => {
    const text = (network: string): string =>
      `{"network": "${network}", "chain": {"source": "bitcoind"}, "developer": {"forwardAtOnce": true}}`;
    assert.deepEqual(read(text("regtest")).development, { forwardAtOnce: true });
    assert.match(refusal(() => read(text("mainnet"))).message, /not on mainnet/);
    for (const { name, value } of settings.filter((one) => one.name.startsWith("developer."))) {
      const given = { text: "a", list: "a", integer: "2", flag: "true", choice: "a" }[value.kind];
      const environment = { [environmentName(name)]: given };
      const base = '{"network": "mainnet", "chain": {"source": "bitcoind"}}';
      const error = refusal(() => read(base, environment));
      assert.ok(error.message.startsWith(`${name}: not on mainnet`), error.message);
    }
  });

  it("takes further chain sources, each with its address", () => {
    const further = (text: string) => read(least, { FULMEN_CHAIN_FURTHER: text }).furtherChains;
    assert.deepEqual(
      further("electrum tls://h:50002, bitcoind http://u:p%40@h:8332, esplora https://h/api"),
      [
        { electrum: { url: "tls://h:50002" } },
        { bitcoind: { url: "http://h:8332/", user: "u", password: "p@" } },
        { esplora: { url: "https://h/api" } },
      ],
    );
    const bad = [
      "https://h/api",
      "esplora h",
      "esplore https://h/api",
      "bitcoind http://h:1",
      "bitcoind http://%zz@h",
    ];
    for (const text of bad) {
      const error = refusal(() => further(`${text}, bitcoind http://u:geheim@h`));
      assert.match(error.message, /chain\.further/);
      assert.ok(!error.message.includes("geheim"));
    }
  });

  it("takes Tor's port, and says where one is missing", () => {
    const { tor } = read(least, { FULMEN_TOR_SOCKS: "127.0.0.1:9050", FULMEN_TOR_EVERYTHING: "true" });
    assert.deepEqual(tor, { socks: { host: "127.0.0.1", port: 9050 }, everything: true });
    assert.deepEqual(read(least, { FULMEN_TOR_SOCKS: "[::1]:9" }).tor?.socks, { host: "::1", port: 9 });
    for (const socks of ["9050", "localhost", "a b:1", "h:0", "h:70000"])
      assert.match(refusal(() => read(least, { FULMEN_TOR_SOCKS: socks })).message, /tor\.socks/, socks);
    assert.match(refusal(() => read(least, { FULMEN_TOR_EVERYTHING: "true" })).message, /without tor\.socks/);
  });

  it("takes keys for protocol tests as hex", () => {
    const hex = (digit: string): string => digit.repeat(64);
    const secrets = ["1", "2", "3", "4", "5", "6"].map(hex);
    const environment = {
      FULMEN_DEVELOPER_NODE_KEY: hex("a"),
      FULMEN_DEVELOPER_CHANNEL_SECRETS: secrets.join(),
      FULMEN_DEVELOPER_MINIMUM_DEPTH: "1",
    };
    const { development } = read(least, environment);
    assert.deepEqual(development?.nodeKey, new Uint8Array(32).fill(0xaa));
    const { funding, payment, htlc, commitmentSeed } = development?.channelSecrets ?? {};
    const first = [funding, payment, htlc, commitmentSeed].map((key) => key?.[0]);
    assert.deepEqual(first, [0x11, 0x33, 0x55, 0x66]);
    assert.equal(development?.minimumDepth, 1);
    const refused = (variables: object) =>
      refusal(() => read(least, { ...environment, ...variables })).message;
    assert.match(refused({ FULMEN_DEVELOPER_NODE_KEY: "ab" }), /nodeKey/);
    assert.match(refused({ FULMEN_DEVELOPER_CHANNEL_SECRETS: secrets.slice(1).join() }), /six times/);
  });

  it("does not say a password when something is wrong with it", () => {
    const error = refusal(() => read('{"chain": {"password": 12345678}}'));
    assert.ok(!error.message.includes("12345678"), error.message);
  });

  it("has a variable of its own for each setting", () => {
    const names = new Set(settings.map(({ name }) => environmentName(name)));
    assert.equal(names.size, settings.length);
    assert.ok(names.has("FULMEN_CHAIN_COOKIE_FILE"));
  });
});

describe("suggestions", () => {
  it("are near, and take no time for texts that are no typos", () => {
    assert.equal(suggestion("bitcoin", ["bitcoind", "esplora"]), "bitcoind");
    assert.equal(suggestion("zzzzz", ["bitcoind", "esplora"]), undefined);
    assert.equal(suggestion("x".repeat(1_000_000), ["bitcoind"]), undefined);
  });
});
