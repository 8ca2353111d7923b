// timeout: 180 s
// needs: losetup
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { FailingDisk } from "./support/failingDisk.ts";
import { FaultField } from "./support/faultField.ts";
import { rest, until } from "./support/playfield.ts";

let disk: FailingDisk;
let field: FaultField;

before(async () => {
  disk = new FailingDisk();
  field = await FaultField.begin(9, { parent: disk.folder });
  await field.open();
  field.pay();
  await field.goesOn();
});
afterEach(async () => {
  await field.goesOn();
  await field.settle();
  field.pay();
});
after(async () => {
  await field.end();
  disk.end();
});

describe("two nodes under payments", () => {
  it("wait for a disk that takes six seconds for a write, and pay on", async () => {
    for (let time = 0; time < 2; time++) {
      disk.hang(true);
      await rest(6_000);
      disk.hang(false);
      await field.goesOn(5);
    }
  });

  it("freeze when their disk becomes read-only, and go on from what was stored when it was mended", async () => {
    disk.fail();
    for (const { child } of field.nodes) {
      await until(async () => (await child?.call("status"))?.phase === "frozen", "frozen", 20);
      assert.match((await child?.call("status"))?.failure ?? "", /the store .*: the disk /);
    }
    for (const node of field.nodes) await node.kill();
    const { code, message, remedy } = await field.nodes[0].refusalOfSecond();
    assert.deepEqual([code, typeof remedy], ["store-unusable", "string"], message);
    assert.match(message, /the store .*: the disk /);
    disk.mend();
    for (const node of field.nodes) await node.start();
  });
});
