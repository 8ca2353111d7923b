export { PostgresServer } from "./postgresServer.ts";
export { TcpProxy } from "./tcpProxy.ts";
