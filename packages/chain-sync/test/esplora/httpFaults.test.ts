import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError, type ChainSourceErrorCode } from "@fulmen/chain-sync";
import { EsploraSource, type EsploraSourceOptions } from "@fulmen/chain-sync/esplora";
import { ApiFetch, apiUrl } from "./apiFetch.ts";

function sourceOf(api: ApiFetch, options: Partial<EsploraSourceOptions> = {}): EsploraSource {
  return new EsploraSource({ url: apiUrl, network: "regtest", fetch: api.fetch, retryDelay: 1, ...options });
}

async function refusal(promise: Promise<unknown>, code: ChainSourceErrorCode): Promise<ChainSourceError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ChainSourceError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.remedy.length > 0);
    return error;
  }
  throw new assert.AssertionError({ message: "no error" });
}

describe("a server that does not answer as it should", () => {
  it("is told by a web page that the address lacks /api, or is another site's", async () => {
    const api = new ApiFetch();
    api.instead = () =>
      new Response("<!DOCTYPE html><html></html>", {
        headers: { "Content-Type": "text/html; charset=utf-8" },
      });
    const url = "https://esplora.test";
    const lacking = await refusal(sourceOf(api, { url }).start(), "invalid-answer");
    assert.match(lacking.remedy, /try https:\/\/esplora\.test\/api$/);
    const other = await refusal(sourceOf(api, { url: `${url}/api/` }).start(), "invalid-answer");
    assert.match(other.remedy, /https:\/\/esplora\.test\/api/);
    api.instead = () => new Response("<html>not here</html>", { status: 404 });
    await refusal(sourceOf(api).start(), "invalid-answer");
  });

  it("is asked again when it is busy, not before it says, and nothing else meanwhile", async () => {
    const api = new ApiFetch({ feeEstimates: { "1": 2 } });
    const source = sourceOf(api, { retryDelay: 60_000 });
    await source.start();
    let isBusy = true;
    const times: number[] = [];
    api.instead = () => {
      times.push(performance.now());
      if (!isBusy) return undefined;
      isBusy = false;
      return new Response("slow down", { status: 429, headers: { "Retry-After": "0" } });
    };
    await source.feerates();
    assert.equal(times.length, 2);
    isBusy = true;
    const slow = sourceOf(api, { retryDelay: 40, concurrency: 1 });
    times.length = 0;
    api.instead = () => {
      times.push(performance.now());
      if (!isBusy) return undefined;
      isBusy = false;
      return new Response("slow down", { status: 429 });
    };
    await Promise.all([slow.feerates(), slow.feerates()]);
    assert.equal(times.length, 3);
    const [first = 0, second = 0] = times;
    assert.ok(second - first >= 30, `waited ${second - first} ms`);
  });

  it("is given up when it stays broken", async () => {
    const api = new ApiFetch();
    api.instead = () => new Response("<html>502 Bad Gateway</html>", { status: 502 });
    const error = await refusal(sourceOf(api).start(), "unreachable");
    assert.equal(error.isTransient, true);
    assert.equal(api.take().length, 5);
    api.instead = () => {
      throw new TypeError("fetch failed");
    };
    await refusal(sourceOf(api).start(), "unreachable");
    assert.equal(api.take().length, 2);
  });

  it("is not waited for longer than the time-out, neither for headers nor for the rest", async () => {
    const api = new ApiFetch();
    const never = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    api.instead = (_, signal) => never(signal);
    const late = await refusal(sourceOf(api, { timeout: 10 }).start(), "unreachable");
    assert.match(late.message, /within 10 ms/);
    api.instead = (_, signal) =>
      new Response(new ReadableStream({ pull: () => never(signal) }), { status: 200 });
    await refusal(sourceOf(api, { timeout: 10 }).start(), "unreachable");
  });

  it("cannot make us take in more than the limit", async () => {
    const api = new ApiFetch();
    let pulled = 0;
    let isCancelled = false;
    api.instead = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            pulled++;
            controller.enqueue(new Uint8Array(1_000).fill(0x30));
          },
          cancel: () => {
            isCancelled = true;
          },
        }),
      );
    const error = await refusal(sourceOf(api, { maxAnswerBytes: 10_000 }).start(), "invalid-answer");
    assert.match(error.message, /more than 10000 bytes/);
    assert.ok(pulled < 20);
    assert.equal(isCancelled, true);
  });

  it("is on another network, which is named", async () => {
    const api = new ApiFetch();
    const error = await refusal(sourceOf(api, { network: "signet" }).start(), "wrong-network");
    assert.match(error.message, /regtest.*signet/);
  });

  it("wants a password, which stands in no message", async () => {
    const api = new ApiFetch();
    const url = apiUrl.replace("//", "//user:s%C3%A9cret@");
    const source = sourceOf(api, { url, headers: { "X-Token": "abc" } });
    assert.equal(source.name, "esplora at https://esplora.test/api");
    await source.start();
    const [, encoded = ""] = (api.headers["Authorization"] ?? "").split(" ");
    assert.equal(Buffer.from(encoded, "base64").toString("utf8"), "user:sécret");
    assert.equal(api.headers["X-Token"], "abc");
    api.instead = () => new Response("no", { status: 401 });
    const error = await refusal(sourceOf(api, { url }).start(), "unauthorised");
    assert.doesNotMatch(`${error.message} ${error.remedy}`, /s%C3%A9cret|sécret/);
  });

  it("has no address", async () => {
    for (const url of ["", "esplora.test", "ftp://esplora.test", "http://"]) {
      await refusal(new EsploraSource({ url, network: "regtest" }).start(), "unsupported");
    }
  });

  it("is asked for no more at a time than permitted", async () => {
    const api = new ApiFetch({ feeEstimates: { "1": 2 } });
    const source = sourceOf(api, { concurrency: 3 });
    await Promise.all(Array.from({ length: 20 }, () => source.feerates()));
    assert.equal(api.mostUnderWay, 3);
  });

  it("ends what waits when it is stopped, also while it is too busy to answer", async () => {
    const api = new ApiFetch();
    const source = sourceOf(api, { retryDelay: 60_000 });
    await source.start();
    api.instead = () => new Response("slow down", { status: 429 });
    const waiting = refusal(source.feerates(), "stopped");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await source.stop();
    await waiting;
    await refusal(source.changed(new AbortController().signal), "stopped");
  });
});

describe("feerates of Esplora", () => {
  it("are in satoshis per 1,000 weight units, by rising targets, without what makes no sense", async () => {
    const api = new ApiFetch();
    api.edit = () => `{"144":1.001,"2":4.02,"x":1,"3":null,"4":-1,"0":9,"5":"7"}`;
    assert.deepEqual((await sourceOf(api).feerates()).targets, [
      { blocks: 2, feerate: 1_005n },
      { blocks: 144, feerate: 251n },
    ]);
  });

  it("are not made up where a server has none, but on regtest", async () => {
    const api = new ApiFetch();
    assert.deepEqual((await sourceOf(api).feerates()).targets, [{ blocks: 1, feerate: 250n }]);
    await refusal(sourceOf(api, { network: "mainnet" }).feerates(), "not-synced");
  });
});
