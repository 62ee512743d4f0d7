/** An answer that is no success, by what it says of itself (RFC 9457), or no answer at all. */
export class ApiError extends Error {
  /** 0: no answer, or none of the sidecar's. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** The sidecar's routes, with the token if one was entered. */
export interface Api {
  /** @throws ApiError */
  get<T>(path: string, timeoutMs?: number): Promise<T>;
  /** @throws ApiError */
  post<T>(path: string, timeoutMs?: number): Promise<T>;
  /**
   * As it comes, to be saved.
   * @throws ApiError
   */
  blob(method: 'GET' | 'POST', path: string, timeoutMs?: number): Promise<Blob>;
}

export const NO_ANSWER = 'No answer from the sidecar.';
/** Long enough for a busy machine, short enough to say soon that nobody answers. */
const ANSWER_WITHIN_MS = 3_000;

/**
 * @param base what comes before the paths of all routes: behind a proxy they may be in a folder
 * @param token what was entered, if anything was
 */
export function createApi(base: string, token: () => string | undefined): Api {
  async function call<T>(
    method: string,
    path: string,
    timeoutMs: number,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const secret = token();
    const headers = {
      Accept: 'application/json',
      ...(secret !== undefined && { Authorization: `Bearer ${secret}` }),
    };
    const signal = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await fetch(base + path, { method, headers, signal });
      if (response.ok) return await read(response);
    } catch {
      throw new ApiError(0, NO_ANSWER);
    }
    // Anything else is of a server that stands in its place, such as a proxy's while the app starts anew.
    if (!response.headers.get('Content-Type')?.startsWith('application/problem+json')) {
      throw new ApiError(0, `Another server answers, with status ${response.status}.`);
    }
    const { detail } = ((await response.json().catch(() => undefined)) ?? {}) as { readonly detail?: string };
    throw new ApiError(response.status, detail ?? response.statusText);
  }
  const json = async <T>(response: Response): Promise<T> => (await response.json()) as T;
  return {
    get: <T>(path: string, timeoutMs = ANSWER_WITHIN_MS) => call<T>('GET', path, timeoutMs, json),
    post: <T>(path: string, timeoutMs = ANSWER_WITHIN_MS) => call<T>('POST', path, timeoutMs, json),
    blob: (method, path, timeoutMs = ANSWER_WITHIN_MS) =>
      call(method, path, timeoutMs, (response) => response.blob()),
  };
}
