import { after, before, describe, it } from "node:test";
import { openPostgresStore } from "@fulmen/persist/postgres";
import { kvStoreConformance } from "@fulmen/testkit/conformance";
import { PostgresServer } from "@fulmen/testkit/postgres";

// timeout: 120 s

describe("the PostgreSQL store", () => {
  let server: PostgresServer;
  let nodes = 0;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  kvStoreConformance({ describe, it }, async () => {
    nodes++;
    const node = `node-${nodes}`;
    return {
      open: () => openPostgresStore({ connection: server.url(), node, leaseDuration: 2_000 }),
      remove: async () => {},
    };
  });
});
