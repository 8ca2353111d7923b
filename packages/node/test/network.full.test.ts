// timeout: 300 s
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { FaultField, randomNumbers } from "./support/faultField.ts";
import { until } from "./support/playfield.ts";
import type { RoughNetwork } from "./support/roughNetwork.ts";

// Two nodes as processes pay one another all the time over a network that fails; their time goes ten times as fast.
// After each fault: the channel is open, all payments have ended, and no millisatoshi is lost.

/** Pieces of a connection from the handshake to a payment or two, each way. */
const pieces = Number(process.env["FULMEN_PIECES"] ?? 40);
/** Milliseconds: half a minute of the nodes'. */
const longStall = 3_000;
const random = randomNumbers(3);
let field: FaultField;
let network: RoughNetwork;

before(async () => {
  const fastTime = fileURLToPath(new URL("support/fastTime.mjs", import.meta.url));
  field = await FaultField.begin(3, { process: { preload: [fastTime] }, isRough: true });
  network = field.network ?? assert.fail("no network");
  await field.open();
  field.pay();
  await field.goesOn();
});
afterEach(async () => {
  network.weather = () => undefined;
  await field.goesOn(5, 60);
  await field.settle();
  field.pay();
});
after(async () => {
  console.log(
    `${field.paid} payments, ${network.mishaps} mishaps, refusals:`,
    Object.fromEntries(field.refusals),
  );
  await field.end();
});

/** So many more mishaps. */
const happens = (count: number, seconds = 30): Promise<void> => {
  const from = network.mishaps;
  return until(() => network.mishaps >= from + count, `${count} mishaps`, seconds);
};

describe("two nodes under payments", () => {
  it(`lose nothing by connections that are reset after each of their first ${pieces} pieces`, async () => {
    for (let piece = 1; piece <= pieces; piece++) {
      network.weather = (line) => {
        if (line.pieces >= piece) line.reset();
      };
      await happens(2);
      field.check();
    }
  });

  for (const lost of ["near", "far"] as const) {
    it(`lose nothing by connections of which only the ${lost} end hears that they are gone`, async () => {
      for (let piece = 1; piece <= 5; piece++) {
        let isOver = false;
        network.weather = (line) => {
          if (isOver) return;
          isOver = line.pieces === 4 * piece;
          if (isOver) line.halve(lost);
          else if (line.pieces > 4 * piece) line.reset();
        };
        await until(() => isOver, `${4 * piece} pieces`, 30);
        await field.goesOn(1, 60);
      }
    });
  }

  it("lose nothing by connections that are silent for half a minute, one in ten of them", async () => {
    let silent = 0;
    network.weather = (line) => {
      if (random() < 0.05) line.reset();
      else if (line.pieces === 8 && random() < 0.1) {
        silent++;
        line.stall(longStall);
      }
    };
    await until(() => silent >= 3, "silence", 90);
    await field.goesOn(5, 60);
  });

  it("lose nothing by a connection that is silent for good", async () => {
    for (let time = 0; time < 2; time++) {
      let isOver = false;
      network.weather = (line) => {
        if (isOver) return;
        isOver = true;
        line.stall();
      };
      await happens(1);
      await field.goesOn(5, 60);
    }
  });
});
