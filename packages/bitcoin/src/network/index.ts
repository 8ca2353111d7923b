export { type Network, type NetworkName, networkOfGenesis, networks } from "./networks.ts";
