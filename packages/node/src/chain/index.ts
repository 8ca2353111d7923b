export { ChainFollowing, chainClients } from "./followChain.ts";
export { PatientSource } from "./patientSource.ts";
export { chainSourceOf } from "./sourceOf.ts";
