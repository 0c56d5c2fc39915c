/** An error as EC2 and STS answer it: a documented code, an HTTP status and a message. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What is asked for by an id that names nothing, or nothing that can be seen yet. */
export function notFound(code: string, what: string, ids: readonly string[]): ApiError {
  return new ApiError(code, `The ${what} ID${ids.length === 1 ? '' : 's'} '${ids.join(', ')}' do${ids.length === 1 ? 'es' : ''} not exist`);
}
