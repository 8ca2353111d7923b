export { type HttpAnswer, type HttpHandler, type HttpRequest, HttpService } from "./httpService.ts";
export { type Socks5Asked, Socks5Server } from "./socks5Server.ts";
