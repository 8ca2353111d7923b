export { EsploraSource, type EsploraSourceOptions } from "./esploraSource.ts";
export type { FetchLike } from "./httpClient.ts";
