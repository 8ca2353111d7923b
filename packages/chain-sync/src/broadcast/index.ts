export { BroadcastQueue, type BroadcastQueueOptions } from "./broadcastQueue.ts";
