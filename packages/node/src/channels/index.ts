export { Openings } from "./openings.ts";
export { channelViews } from "./views.ts";
