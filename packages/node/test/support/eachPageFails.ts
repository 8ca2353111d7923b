import assert from "node:assert/strict";
import type { ChildNode } from "./childNode.ts";
import { FaultField } from "./faultField.ts";
import { until } from "./playfield.ts";
import type { SmallDisk } from "./smallDisk.ts";

/** Pages of the log that a payment takes of each side. */
export const pages = Number(process.env["FULMEN_PAGES"] ?? 40);

const readable = /the store .*\.sqlite: the disk (is full|does not answer)/;
const isFrozen = async (child: ChildNode | undefined): Promise<boolean> =>
  (await child?.call("status"))?.phase === "frozen";

/** Lets each of so many pages be the first that is not taken, as two nodes pay one another. */
export async function eachPageFails(disk: SmallDisk): Promise<void> {
  const field = await FaultField.begin(5, {
    lanes: 1,
    ...(disk.parent !== undefined && { parent: disk.parent }),
  });
  try {
    await field.open();
    for (let room = 0; room < pages; room++) {
      const node = field.nodes[room % 2 === 0 ? 0 : 1];
      disk.leaveRoom(node, room);
      field.pay();
      // Where both share a disk, the other one may be who takes its last page.
      let frozen: ChildNode | undefined;
      const oneIsFrozen = async (): Promise<boolean> => {
        for (const { child } of field.nodes) if (await isFrozen(child)) frozen = child;
        return frozen !== undefined;
      };
      await until(oneIsFrozen, `frozen with ${room} pages`, 20);
      assert.match((await frozen?.call("status"))?.failure ?? "", readable);
      await assert.rejects(frozen?.call("receive", {}) ?? Promise.resolve(), readable);
      disk.makeRoom(node);
      await until(async () => !(await isFrozen(frozen)), `running after ${room} pages`, 20);
      await field.goesOn(1);
      await field.settle();
    }
    console.log(`${field.paid} payments, refusals:`, Object.fromEntries(field.refusals));
  } finally {
    await field.end();
    disk.end();
  }
}
