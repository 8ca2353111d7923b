import { installNodeCrypto } from "@fulmen/crypto-node";
import { serveParent } from "../rpc/parent.ts";
import { startNode } from "./host.ts";
import type { NodeNotice, NodeService, NodeSettings } from "./protocol.ts";
import { nodeService } from "./service.ts";

/* The process that is one node. Its only argument are its `NodeSettings`, as JSON. */

const cryptoName = installNodeCrypto();
const [, , json = ""] = process.argv;
const settings = JSON.parse(json) as NodeSettings;
const starting = startNode(settings, {
  log: ({ level, module, text }) => tell({ kind: "log", level, text: `${module}: ${text}` }),
  event: (index, event) => tell({ kind: "event", index, event }),
  failed: (text) => tell({ kind: "failed", text }),
});
const notify = serveParent<NodeService>(
  starting.then((node) => nodeService(node, cryptoName)),
  async () => (await starting).stop(),
);

function tell(notice: NodeNotice): void {
  notify(notice);
}
