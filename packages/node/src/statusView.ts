import type { SyncProgress } from "@fulmen/chain-sync";
import type { NodeId } from "@fulmen/lightning/util";
import type { NodePhase, NodeStatusView, NodeWarning } from "./api/nodeApi.ts";
import type { NodeOptions } from "./api/options.ts";
import { chainGaps, silentChain } from "./chain/index.ts";
import { isClosing, phaseOf } from "./parts/index.ts";
import type { RunningNode } from "./runningNode.ts";

interface Known {
  readonly phase: NodePhase;
  readonly nodeId: NodeId;
  readonly options: NodeOptions;
  readonly failure: string | undefined;
  /** While it starts. */
  readonly progress: SyncProgress | undefined;
}

/** What `Node.status` answers; `node` is absent while the node does not run. */
export function statusView(
  { phase, nodeId, options, failure, progress }: Known,
  node: RunningNode | undefined,
): NodeStatusView {
  const { network, alias = "" } = options;
  const base = { phase, nodeId, network, alias, ...(failure !== undefined && { failure }) };
  if (node === undefined) {
    return {
      ...base,
      chain: { source: "", height: 0, blockHash: "", tip: 0, ...progress, isSynced: false },
      peers: 0,
      channels: { open: 0, usable: 0, closing: 0 },
      graph: { nodes: 0, channels: 0 },
      warnings: [],
    };
  }
  const { parts, following, listening, startedAt } = node;
  const backup = node.backups.state;
  const { manager, source, sources, peerManager, graph } = parts;
  const { tip, lastAnswer, problem } = following.state;
  const { height, hash } = manager.bestBlock;
  const further = sources.filter(({ name }) => name !== source.name);
  const channels = manager.listChannels();
  const open = channels.filter((one) => phaseOf(one) === "open");
  return {
    ...base,
    chain: {
      source: source.name,
      height,
      blockHash: hash,
      ...(following.blockTime !== undefined && { blockTime: following.blockTime }),
      tip,
      isSynced: problem === undefined && height >= tip,
      ...(lastAnswer !== undefined && { lastAnswer }),
      ...(problem !== undefined && { problem }),
      ...(further.length > 0 && {
        further: further.map(({ name, problem: its }) => ({
          source: name,
          ...(its !== undefined && { problem: its }),
        })),
      }),
    },
    ...(listening !== undefined && { listening, uri: `${nodeId}@${listening}` }),
    peers: peerManager.listPeers().length,
    channels: {
      open: open.length,
      usable: open.filter(({ isUsable }) => isUsable).length,
      closing: channels.filter((one) => isClosing(one, parts)).length,
    },
    graph: { nodes: graph.nodeCount, channels: graph.channelCount },
    ...(backup && { backup }),
    startedAt,
    warnings: [
      ...warningsOf(node),
      ...chainGaps(source, parts.network),
      ...silentChain({ network, blockTime: following.blockTime, startedAt, now: parts.now() }),
    ],
  };
}

function warningsOf({ parts, following, backups }: RunningNode): readonly NodeWarning[] {
  const { manager, wallet } = parts;
  const warnings: NodeWarning[] = [];
  const required = manager.requiredAnchorReserve();
  const { confirmed, trustedPending, locked } = wallet.balance();
  const have = confirmed + trustedPending + locked;
  if (have < required) {
    const missing = required - have;
    warnings.push({
      code: "anchor-reserve",
      text: `the wallet has ${have} sat of the ${required} sat that closing all channels may cost when fees are high: ${missing} sat are missing`,
      remedy: `send ${missing} sat to an address of the wallet`,
    });
  }
  warnings.push(...backups.warnings());
  const { problem } = following.state;
  if (problem !== undefined) {
    const remedy = "see that the chain source runs and can be reached; the node asks again by itself";
    warnings.push({ code: "chain-unavailable", text: problem, remedy });
  }
  return warnings;
}
