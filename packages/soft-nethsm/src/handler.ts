/**
 * One request against the device. The order of the checks is the device's: it decides which of several errors a client
 * sees, and a request that is refused changes nothing but the count of failed logins.
 */
import { toUtf8 } from "@signstar/primitives/bytes";
import { authenticate } from "./auth.ts";
import type { Caller } from "./caller.ts";
import type { Device } from "./device.ts";
import { type Answer, mediaTypes, Refusal, type Request } from "./http.ts";
import { isAcceptable, mediaType } from "./media.ts";
import { checkPreconditions } from "./preconditions.ts";
import { Context, limits, type Method, type Operation, type Resource } from "./resource.ts";
import { findRoute, type Route } from "./router.ts";

const knownMethods: readonly string[] = ["GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS"];
const longestTarget = 2000;
const vary = "Accept, Accept-Encoding, Accept-Charset, Accept-Language";

/** Never rejects but for bugs: every refusal is an answer. */
export async function handle(device: Device, request: Request): Promise<Answer> {
  try {
    const route = findRoute(request.target, device.release);
    if (route === undefined) return notFound;
    const { operation } = admit(device, request, route);
    const limit = operation.limit ?? limits.body;
    // The device limits announced lengths only; beyond the longest that a message may have we do not follow it.
    const body = await request.body(request.contentLength === undefined ? Math.max(limit, limits.message) : limit);
    if (operation.changes !== true) return await perform(device, request, route, body);
    return await device.exclusive.run(() => perform(device, request, route, body));
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

const notFound: Answer = { status: 404, headers: { "content-type": "text/plain" }, body: toUtf8("Not found") };

interface Admitted {
  readonly operation: Operation;
  readonly context: Context;
}

/** Steps 1 to 9: all that can be said without the body. */
function admit(device: Device, request: Request, route: Route): Admitted {
  const { resource } = route;
  const { states = ["Operational"] } = resource;
  const available = typeof states === "function" ? states(device) : states;
  if (!available.includes(device.state)) throw new Refusal(412, "Service not available");
  if (!knownMethods.includes(request.method)) throw new Refusal(501);
  if (request.target.length > longestTarget) throw new Refusal(414);
  const method = methodOf(request.method, resource);
  const operation = method && resource.operations[method];
  if (method === undefined || operation === undefined) {
    throw new Refusal(405, undefined, { allow: allowedMethods(resource).join(",") });
  }
  const caller = callerOf(device, request, operation);
  const context = new Context({
    device,
    method,
    peer: request.peer,
    contentType: request.headers["content-type"],
    authorization: request.headers.authorization,
    path: route.path,
    query: route.query,
    params: route.params,
    caller,
  });
  if (caller !== undefined && !isAllowed(device, caller, operation, context)) throw new Refusal(403);
  if ((request.contentLength ?? 0) > (operation.limit ?? limits.body)) throw new Refusal(413);
  if (!isAcceptable(request.headers.accept, operation.type ?? mediaTypes.json)) throw new Refusal(406);
  return { operation, context };
}

/** Steps 10 to 13, after asking the first nine again: the device may have been locked while the body came in. */
async function perform(device: Device, request: Request, route: Route, body: Uint8Array): Promise<Answer> {
  const { operation, context } = admit(device, request, route);
  try {
    const answer = await answerTo(request, route.resource, operation, context, body);
    return { ...answer, headers: { vary, ...answer.headers } };
  } catch (error) {
    if (error instanceof Refusal) return { ...error.answer, headers: { vary, ...error.answer.headers } };
    throw error;
  }
}

async function answerTo(
  request: Request,
  resource: Resource,
  operation: Operation,
  context: Context,
  body: Uint8Array,
): Promise<Answer> {
  const reads = context.method === "GET";
  const exists = resource.exists?.(context) ?? true;
  if (!exists && context.method !== "PUT") throw new Refusal(404);
  const tag = exists ? resource.tag?.(context) : undefined;
  checkPreconditions(request.headers, { exists, tag, reads });
  if (operation.accepts !== undefined) {
    const type = mediaType(context.contentType ?? mediaTypes.bytes);
    if (!operation.accepts.includes(type)) throw new Refusal(415);
  }
  const answer = await operation.run(context, body);
  return reads && tag !== undefined ? { ...answer, headers: { etag: `"${tag}"`, ...answer.headers } } : answer;
}

function methodOf(method: string, resource: Resource): Method | undefined {
  if (method === "HEAD") return resource.head === true ? "GET" : undefined;
  return method === "GET" || method === "PUT" || method === "POST" || method === "DELETE" ? method : undefined;
}

function allowedMethods(resource: Resource): readonly string[] {
  const methods = Object.keys(resource.operations);
  return resource.head === true ? [...methods, "HEAD"] : methods;
}

function callerOf(device: Device, request: Request, operation: Operation): Caller | undefined {
  if (operation.allow === undefined || operation.publicIn?.includes(device.state) === true) return undefined;
  return authenticate(device, request);
}

/** A user whose namespace does not exist may log in, but nothing else. */
function isAllowed(device: Device, caller: Caller, operation: Operation, context: Context): boolean {
  if (caller.namespace !== undefined && !device.vault.namespaces.has(caller.namespace)) return false;
  return operation.allow?.(caller, context) ?? true;
}
