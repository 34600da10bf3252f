import type { Handler, SandboxRequest, SandboxResponse } from './http.ts';
import { azureError, ResponseError } from './http.ts';

/** First handler wins whose host, method and path fit; a `ResponseError` it throws becomes the response. */
export async function route(handlers: readonly Handler[], request: SandboxRequest): Promise<SandboxResponse> {
  try {
    return await dispatch(handlers, request);
  } catch (error) {
    if (error instanceof ResponseError) return error.response;
    throw error;
  }
}

function dispatch(
  handlers: readonly Handler[],
  request: SandboxRequest,
): Promise<SandboxResponse> | SandboxResponse {
  let pathFits = false;
  for (const handler of handlers) {
    if (!handler.host(request.host)) continue;
    const match = handler.path.exec(request.path);
    if (!match) continue;
    pathFits = true;
    if (handler.method === '*' || handler.method === request.method) return handler.fn(request, match);
  }
  throw pathFits
    ? azureError(405, 'MethodNotAllowed', `The method ${request.method} is not allowed here.`)
    : azureError(404, 'NotFound', `The sandbox serves no such path: ${request.method} ${request.path}`);
}
