export { SimulatedChainSource, type SimulatedChainSourceOptions } from "./simulatedChainSource.ts";
