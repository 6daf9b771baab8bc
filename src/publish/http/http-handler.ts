import type { HttpRequest } from "./http-request.ts";
import type { HttpResponse } from "./http-response.ts";

/** Answers a request; with a promise only where something must be gathered first. A SluiceError becomes its HTTP status. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
