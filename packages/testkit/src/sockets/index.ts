export { type HttpAnswer, type HttpHandler, type HttpRequest, HttpService } from "./httpService.ts";
