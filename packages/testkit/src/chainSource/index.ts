export { PracticeChain, type PracticeChainOptions } from "./practiceChain.ts";
export { SimulatedChainSource, type SimulatedChainSourceOptions } from "./simulatedChainSource.ts";
