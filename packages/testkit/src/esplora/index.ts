export type { EsploraAnswer, EsploraRequest } from "./answer.ts";
export { EsploraApi, type EsploraApiOptions } from "./esploraApi.ts";
export { EsploraServer, type EsploraServerOptions } from "./esploraServer.ts";
