import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { crypto } from "@fulmen/bitcoin/crypto";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { type EcdsaCheck, VerifyPool } from "@fulmen/crypto-node/verifyPool";
import { bytesOfChecks, checksOfBytes } from "#src/verifyPool/checkBytes";

installNodeCrypto();

const key = new Uint8Array(32).fill(7);
const point = crypto().publicKey(key);

function check(i: number): EcdsaCheck {
  const hash = crypto().sha256(Uint8Array.of(i, i >> 8));
  return { signature: crypto().ecdsaSign(hash, key), hash, key: point };
}

/** Valid ones, of which each third was spoilt. */
function mixed(count: number): readonly EcdsaCheck[] {
  return Array.from({ length: count }, (_, i) => {
    const one = check(i);
    return i % 3 === 2 ? { ...one, hash: check(i + 1).hash } : one;
  });
}

const expected = (count: number) => Array.from({ length: count }, (_, i) => i % 3 !== 2);

async function withPool(threads: number, run: (pool: VerifyPool) => Promise<void>): Promise<void> {
  const pool = new VerifyPool({ threads });
  try {
    await run(pool);
  } finally {
    await pool.close();
  }
}

/** The program of a thread that dies when it gets its `count`th batch. */
function dyingAt(count: number): URL {
  const program = `
    import { parentPort } from "node:worker_threads";
    import { serveChecks } from ${JSON.stringify(import.meta.resolve("@fulmen/crypto-node/verifyPool"))};
    let batches = 0;
    parentPort.on("message", () => {
      batches++;
      if (batches === ${count}) process.exit(1);
    });
    serveChecks();
  `;
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`);
}

/** The program of a thread that finds everything valid in its first batch, and nothing later. */
const trueAtFirst = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    let batches = 0;
    parentPort.on("message", (bytes) => {
      batches++;
      parentPort.postMessage(new Uint8Array(bytes.length / 129).fill(batches === 1 ? 1 : 0));
    });
  `)}`,
);

describe("a pool of verifying threads", () => {
  test("gives each batch its verdicts, in order, whoever is first", async () => {
    await withPool(2, async (pool) => {
      const sizes = [1, 50, 3, 0, 17, 30];
      const verdicts = await Promise.all(sizes.map((size) => pool.verifyBatch(mixed(size))));
      assert.deepEqual(verdicts, sizes.map(expected));
    });
  });

  test("takes nonsense for invalid", async () => {
    await withPool(1, async (pool) => {
      const good = check(1);
      const verdicts = await pool.verifyBatch([
        good,
        { ...good, key: new Uint8Array(33) },
        { ...good, key: point.subarray(1) },
        { ...good, signature: new Uint8Array(64) },
        { ...good, signature: new Uint8Array(0) },
        { ...good, hash: new Uint8Array(31) },
        good,
      ]);
      assert.deepEqual(verdicts, [true, false, false, false, false, false, true]);
    });
  });

  test("verifies again what a dying thread had, on another one", async () => {
    const pool = new VerifyPool({ threads: 1 }, dyingAt(3));
    const sizes = Array.from({ length: 5 }, (_, i) => 10 + i);
    const verdicts = await Promise.all(sizes.map((size) => pool.verifyBatch(mixed(size))));
    assert.deepEqual(verdicts, sizes.map(expected));
    await pool.close();
  });

  test("verifies here when threads only die", async () => {
    const pool = new VerifyPool({ threads: 1 }, dyingAt(1));
    const batches = [pool.verifyBatch(mixed(7)), pool.verifyBatch(mixed(5))];
    assert.deepEqual(await Promise.all(batches), [7, 5].map(expected));
    await pool.close();
  });

  test("closes when it is done with what it has, and takes nothing more", async () => {
    const pool = new VerifyPool({ threads: 2 });
    const batch = pool.verifyBatch(mixed(60));
    const closed = pool.close();
    await assert.rejects(pool.verifyBatch(mixed(1)), /closed/);
    await closed;
    assert.deepEqual(await batch, expected(60));
    await pool.close();
  });

  test("ends a thread that had nothing to do for a while, and starts another when there is work", async () => {
    const pool = new VerifyPool({ threads: 1, idleTime: 200 }, trueAtFirst);
    const ask = () => pool.verifyBatch([check(1)]);
    assert.deepEqual(await ask(), [true]);
    assert.deepEqual(await ask(), [false]);
    await delay(500);
    assert.deepEqual(await ask(), [true]);
    await pool.close();
  });

  test("starts no thread for a small batch", async () => {
    const pool = new VerifyPool({ threads: 1, smallest: 4 }, trueAtFirst);
    assert.deepEqual(await pool.verifyBatch(mixed(3)), expected(3));
    assert.deepEqual(await pool.verifyBatch(mixed(4)), [true, true, true, true]);
    await pool.close();
  });

  test("has one thread less than there are cores, and at least one", () => {
    assert.ok(new VerifyPool().threads >= 1);
    assert.equal(new VerifyPool({ threads: 0 }).threads, 1);
  });
});

test("checks survive the way between threads", () => {
  const checks = mixed(5);
  const read = checksOfBytes(bytesOfChecks(checks));
  assert.deepEqual(
    read.map((one) => Object.values(one).map((bytes) => Buffer.from(bytes).toString("hex"))),
    checks.map((one) => Object.values(one).map((bytes) => Buffer.from(bytes).toString("hex"))),
  );
});
