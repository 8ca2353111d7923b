import { installNodeCrypto } from "@fulmen/crypto-node";
import type { ChainService } from "../chain/chainService.ts";
import { serveParent } from "../rpc/parent.ts";
import { connect } from "../rpc/tcp.ts";
import { startNode } from "./host.ts";
import type { NodeNotice, NodeService, NodeSettings } from "./protocol.ts";
import { EventActions, nodeService } from "./service.ts";

/* The process that is one node. Its only argument are its `NodeSettings`, as JSON. */

const cryptoName = installNodeCrypto();
const [, , settings = ""] = process.argv;
const actions = new EventActions();
const starting = startNode(JSON.parse(settings) as NodeSettings, (port) => connect<ChainService>(port), {
  log: ({ level, module, text }) => tell({ kind: "log", level, text: `${module}: ${text}` }),
  async event(index, event) {
    actions.act(await starting, event);
    tell({ kind: "event", index, event });
  },
  status(status) {
    if (status.kind === "failed") tell({ kind: "failed", text: status.text });
  },
});
const notify = serveParent<NodeService>(
  starting.then((node) => nodeService(node, actions, cryptoName)),
  async () => (await starting).stop(),
);

function tell(notice: NodeNotice): void {
  notify(notice);
}
