export { ChainFollowing, chainClients } from "./followChain.ts";
export { PatientSource } from "./patientSource.ts";
export { silentChain } from "./silentChain.ts";
export { chainSourceOf } from "./sourceOf.ts";
